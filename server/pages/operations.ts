import type { VNode } from 'preact';
import { Failure } from '../../replication/pages/act.ts';
import { formatCount, formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import { useAnswer } from './answer.ts';
import { useWords } from './words.ts';

interface Operation {
  id: string;
  type: 'download' | 'upload';
  status: 'running' | 'completed' | 'interrupted' | 'failed';
  startedAt: string;
  endedAt: string | null;
  records: number;
  error: string | null;
}

const LOOKS = { running: 'plain', completed: 'good', interrupted: 'wait', failed: 'bad' } as const;
const REFRESH_MS = 3000;

/** The center's replications, as the server saw them; shown where the server records them. */
export function Operations({ centerId }: { centerId: string }): VNode {
  const { center: words, problems, nothing } = useWords();
  const path = `/sync/operations/${encodeURIComponent(centerId)}`;
  const { answer, problem } = useAnswer<{ operations: Operation[] }>(path, REFRESH_MS);
  return html`<section class="card stack">
    <h2>${words.operations}</h2>
    <${Failure} problem=${problem} known=${problems} />
    ${answer?.operations.length === 0 && html`<p class="soft">${nothing}</p>`}
    ${answer && answer.operations.length > 0 && html`<${Table} operations=${answer.operations} />`}
  </section>`;
}

function Table({ operations }: { operations: Operation[] }): VNode {
  const { center: words } = useWords();
  const language = useLanguage();
  return html`<div class="table" tabindex="0" role="region" aria-label=${words.operations}>
      <table>
        <thead>
          <tr><th>${words.operation}</th><th>${words.status}</th><th>${words.records}</th><th>${words.started}</th></tr>
        </thead>
        <tbody>
          ${operations.map(
            ({ id, type, status, records, startedAt, error }) =>
              html`<tr key=${`${id} ${type}`}>
                <td>${words.operationTypes[type]}</td>
                <td>
                  <span class="badge ${LOOKS[status]}">${words.operationStates[status]}</span>
                  ${error && html`<div class="fine" lang="en">${formatReason(error, language)}</div>`}
                </td>
                <td>${formatCount(records, language)}</td>
                <td>${formatTime(startedAt, language)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
