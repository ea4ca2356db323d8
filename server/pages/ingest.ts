import type { VNode } from 'preact';
import { Failure } from '../../replication/pages/act.ts';
import { formatCount, formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import { useAnswer } from './answer.ts';
import { useWords } from './words.ts';

interface Status {
  state: 'reading' | 'streaming' | 'polling' | 'down';
  lastChangeAt: string | null;
  errors: number;
  error: string | null;
}

interface Fault {
  collection: string;
  id: string;
  field: string;
  reason: string;
  at: string;
}

const LOOKS = { reading: 'wait', streaming: 'good', polling: 'good', down: 'bad' } as const;
const REFRESH_MS = 5000;
const SHOWN = 200;

/** Where the ingest from the registration service stands, and what does not fit. */
export function Ingest(): VNode {
  const { ingest: words, problems, never } = useWords();
  const language = useLanguage();
  const { answer, problem } = useAnswer<Status>('/api/ingest', REFRESH_MS);
  const isNone = problem?.code === 'not_found';
  return html`<section class="card stack">
    <h2>
      ${words.title}
      ${answer && html` <span class="badge ${LOOKS[answer.state]}">${words.states[answer.state]}</span>`}
    </h2>
    ${isNone ? html`<p class="soft">${words.none}</p>` : html`<${Failure} problem=${problem} known=${problems} />`}
    ${
      answer &&
      html`<dl class="facts">
        <dt>${words.last}</dt><dd>${answer.lastChangeAt ? formatTime(answer.lastChangeAt, language) : never}</dd>
        <dt>${words.errors}</dt><dd>${formatCount(answer.errors, language)}</dd>
      </dl>`
    }
    ${answer?.error && html`<p class="notice bad" lang="en">${formatReason(answer.error, language)}</p>`}
    ${answer && answer.errors > 0 && html`<${Faults} />`}
  </section>`;
}

function Faults(): VNode {
  const { ingest: words, problems } = useWords();
  const language = useLanguage();
  const { answer, problem } = useAnswer<{ errors: Fault[] }>(`/api/ingest/errors?limit=${SHOWN}`, REFRESH_MS);
  return html`<div class="table" tabindex="0" role="region" aria-label=${words.errors}>
    <${Failure} problem=${problem} known=${problems} />
    <table>
      <thead>
        <tr><th>${words.document}</th><th>${words.field}</th><th>${words.reason}</th><th>${words.since}</th></tr>
      </thead>
      <tbody>
        ${answer?.errors.map(
          ({ collection, id, field, reason, at }) =>
            html`<tr key=${`${collection} ${id} ${field}`}>
              <td>${collection} ${id}</td>
              <td>${field}</td>
              <td lang="en">${formatReason(reason, language)}</td>
              <td>${formatTime(at, language)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
