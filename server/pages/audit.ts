import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { formatCount, formatDetails, formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import { useAnswer } from './answer.ts';
import { download } from './download.ts';
import { useWords } from './words.ts';

interface Entry {
  n: number;
  at: string;
  action: string;
  actor: string;
  from?: string;
  centerId?: string;
  documentId?: string;
  outcome: 'done' | 'refused' | 'failed';
  details: Record<string, unknown>;
}

interface Verified {
  entries: number;
  broken: { n: number; reason: string } | null;
}

type Page = { entries: Entry[]; more: boolean };

const LOOKS = { done: 'neutral', refused: 'wait', failed: 'bad' } as const;
const PAGE = 100;
const LONGEST_PAGE = 1000;
const REFRESH_MS = 10_000;

/** What was done, by whom; filtered, verified, taken away. */
export function Audit(): VNode {
  const { audit: words, problems, nothing, more } = useWords();
  const [filter, setFilter] = useState({ center: '', action: '', document: '' });
  const [query, setQuery] = useState('');
  const [limit, setLimit] = useState(PAGE);
  const { answer, problem } = useAnswer<Page>(`/api/audit?${query}&limit=${limit}`, REFRESH_MS);
  const exporting = useAct();
  const apply = (event: Event) => {
    event.preventDefault();
    setLimit(PAGE);
    setQuery(new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== '')).toString());
  };
  const save = () =>
    exporting.run(async () => {
      const lines: string[] = [];
      for (let before = ''; ; ) {
        const path = `/api/audit?${query}&limit=${LONGEST_PAGE}${before}`;
        const { entries, more } = await ask<Page>('GET', path);
        lines.push(...entries.map((entry) => `${JSON.stringify(entry)}\n`));
        if (!more) break;
        before = `&before=${entries.at(-1)?.n}`;
      }
      download('audit.ndjson', 'application/x-ndjson', lines.join(''));
    });
  const field = (name: keyof typeof filter, label: string) =>
    html`<label class="field">
      <span class="soft fine">${label}</span>
      <input value=${filter[name]} onInput=${(event: Event) => setFilter({ ...filter, [name]: textOf(event) })} />
    </label>`;
  return html`<div class="stack">
    <h1>${words.title}</h1>
    <form class="row ends" onSubmit=${apply}>
      ${field('center', words.center)}
      <label class="field">
        <span class="soft fine">${words.action}</span>
        <select value=${filter.action} onChange=${(event: Event) => setFilter({ ...filter, action: textOf(event) })}>
          <option value="">${words.every}</option>
          ${Object.entries(words.actions).map(([action, name]) => html`<option value=${action}>${name}</option>`)}
        </select>
      </label>
      ${field('document', words.document)}
      <button class="primary">${words.filter}</button>
    </form>
    <div class="row">
      <button type="button" aria-disabled=${exporting.isRunning} onClick=${save}>${words.export}</button>
      <${Verify} />
    </div>
    <${Failure} problem=${problem ?? exporting.problem} known=${problems} />
    ${answer?.entries.length === 0 && html`<p class="card soft">${nothing}</p>`}
    ${answer && answer.entries.length > 0 && html`<${Entries} entries=${answer.entries} />`}
    ${
      answer?.more &&
      limit < LONGEST_PAGE &&
      html`<div><button type="button" onClick=${() => setLimit(LONGEST_PAGE)}>${more}</button></div>`
    }
  </div>`;
}

function Verify(): VNode {
  const { audit: words, problems } = useWords();
  const language = useLanguage();
  const [verified, setVerified] = useState<Verified | undefined>();
  const act = useAct();
  const verify = () => act.run(async () => setVerified(await ask('POST', '/api/audit/verify')));
  return html`<div class="row">
    <button type="button" aria-disabled=${act.isRunning} onClick=${verify}>${words.verify}</button>
    <span role="status">
      ${
        verified &&
        (verified.broken
          ? html`<span class="badge bad">
              ${words.broken(verified.broken.n, formatReason(verified.broken.reason, language))}
            </span>`
          : html`<span class="badge good">${words.whole(formatCount(verified.entries, language))}</span>`)
      }
    </span>
    <${Failure} problem=${act.problem} known=${problems} />
  </div>`;
}

function Entries({ entries }: { entries: Entry[] }): VNode {
  const { audit: words } = useWords();
  const language = useLanguage();
  return html`<div class="table card" tabindex="0" role="region" aria-label=${words.title}>
    <table>
      <thead>
        <tr>
          <th>${words.number}</th><th>${words.when}</th><th>${words.action}</th><th>${words.actor}</th>
          <th>${words.outcome}</th><th>${words.details}</th>
        </tr>
      </thead>
      <tbody>
        ${entries.map(
          ({ n, at, action, actor, from, centerId, documentId, outcome, details }) =>
            html`<tr key=${n}>
              <td>${n}</td>
              <td>${formatTime(at, language)}</td>
              <td>${words.actions[action] ?? action}</td>
              <td>${actor}${from && html` <span class="soft">${from}</span>`}</td>
              <td><span class="badge ${LOOKS[outcome]}">${words.outcomes[outcome]}</span></td>
              <td class="details">
                ${[centerId, documentId, formatDetails(details, language)].filter(Boolean).join(' · ')}
                ${action === 'conflict.resolved' && outcome === 'done' && html`<${Undo} entry=${n} />`}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Of a resolution, whoever decided it: policy resolves most of them, and nobody sees those but here. */
function Undo({ entry }: { entry: number }): VNode {
  const { conflicts: words, problems } = useWords();
  const [isUndone, setUndone] = useState(false);
  const act = useAct();
  const undo = async () => setUndone(await act.run(() => ask('POST', `/api/conflicts/undo/${entry}`)));
  return html`<div class="row" role="status">
    ${
      isUndone
        ? words.undone
        : html`<button type="button" class="small" aria-disabled=${act.isRunning} onClick=${undo}>${words.undo}</button>`
    }
    <${Failure} problem=${act.problem} known=${problems} />
  </div>`;
}
