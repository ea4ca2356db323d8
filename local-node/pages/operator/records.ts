import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { formatDetails, formatReason, formatTime } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { useLogWords } from '../../../replication/pages/log-words.ts';
import { html } from '../../../replication/pages/view.ts';
import type { LogAnswer } from '../../routes/roster.ts';
import type { LogEntry, NodeLink, NodeView } from './node.ts';
import { useWords } from './words.ts';

interface QuarantineEntry {
  id: string;
  rev: string;
  reason: string;
  at: string;
  state: 'waiting' | 'accepted' | 'returned' | 'kept';
  note?: string;
}

/** What was refused by the server, or taken out by a repair. */
export function Quarantine({ node, view }: { node: NodeLink; view: NodeView }): VNode {
  const { quarantine: words } = useWords();
  const language = useLanguage();
  const [entries, setEntries] = useState<QuarantineEntry[]>([]);
  const counts = JSON.stringify(view.status?.quarantine);
  useEffect(() => {
    const shown = ({ entries: found }: { entries: QuarantineEntry[] }) => setEntries(found);
    node.ask<{ entries: QuarantineEntry[] }>('GET', '/api/quarantine').then(shown, () => {});
  }, [counts]);
  return html`<details class="card" open=${entries.some(({ state }) => state === 'waiting')}>
    <summary><h2>${words.title}</h2> <span class="number">${entries.length}</span></summary>
    ${entries.length === 0 && html`<p class="soft">${words.empty}</p>`}
    ${
      entries.length > 0 &&
      html`<div class="table" tabindex="0" role="region" aria-label=${words.title}>
        <table>
          <thead>
            <tr><th>${words.document}</th><th>${words.reason}</th><th>${words.state}</th><th>${words.when}</th></tr>
          </thead>
          <tbody>
            ${entries.map(
              ({ id, rev, reason, state, note, at }) =>
                html`<tr key=${`${id} ${rev}`}>
                  <td>${id}</td>
                  <td lang="en">${formatReason(reason, language)}</td>
                  <td>${words.states[state]}${note && `: ${note}`}</td>
                  <td>${formatTime(at, language)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }
  </details>`;
}

const PAGE = 50;

/** The node's log, the newest first; read when it is opened. */
export function Log({ node, view }: { node: NodeLink; view: NodeView }): VNode {
  const { log: words, sitting, pin, problems } = useWords();
  const language = useLanguage();
  const eventName = useLogWords();
  const [isOpen, setOpen] = useState(false);
  const [entries, setEntries] = useState<LogEntry[]>([]);
  const act = useAct();
  const head = view.status?.logHead.n ?? 0;
  const read = (before?: number) =>
    act.run(async () => {
      const path = `/api/operator/log?limit=${PAGE}${before === undefined ? '' : `&before=${before}`}`;
      const answer = await node.ask<LogAnswer>('GET', path);
      setEntries(before === undefined ? answer.entries : [...entries, ...answer.entries]);
    });
  useEffect(() => {
    if (isOpen && view.isUnlocked) void read();
  }, [isOpen, view.isUnlocked, head]);
  const oldest = entries.at(-1)?.n ?? 1;
  return html`<details class="card" onToggle=${(event: Event) => setOpen((event.target as HTMLDetailsElement).open)}>
    <summary><h2>${words.title}</h2> <span class="number">${head}</span></summary>
    ${!view.isUnlocked && html`<p class="soft">${pin.needed}</p>`}
    <${Failure} problem=${act.problem} known=${problems} />
    ${
      view.isUnlocked &&
      entries.length > 0 &&
      html`<div class="table" tabindex="0" role="region" aria-label=${words.title}>
          <table>
            <thead>
              <tr><th>${sitting.number}</th><th>${words.when}</th><th>${words.what}</th><th>${words.details}</th></tr>
            </thead>
            <tbody>
              ${entries.map(
                ({ n, at, event, details }) =>
                  html`<tr key=${n}>
                    <td>${n}</td>
                    <td>${formatTime(at, language)}</td>
                    <td>${eventName(event)}</td>
                    <td class="details">${formatDetails(details, language)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${oldest > 1 && html`<button type="button" class="small" onClick=${() => read(oldest)}>${words.older}</button>`}`
    }
  </details>`;
}
