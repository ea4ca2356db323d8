import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import { Failure } from '../../replication/pages/act.ts';
import { formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import type { resultsAnswer } from '../exam/schemas.ts';
import { useAnswer } from './answer.ts';
import { useWords } from './words.ts';

type Results = z.infer<typeof resultsAnswer>;

const LOOKS = { verified: 'good', flagged: 'bad', waiting: 'wait', superseded: 'neutral' } as const;
const PAGE = 100;
const REFRESH_MS = 5000;

/** Results, verified and scored again. */
export function Results({ centerId }: { centerId: string | undefined }): VNode {
  const { results: words, board, problems, first, more, nothing } = useWords();
  const language = useLanguage();
  const [isFlagged, setFlagged] = useState(false);
  const [after, setAfter] = useState<string | undefined>();
  const toggle = () => {
    setFlagged(!isFlagged);
    setAfter(undefined);
  };
  const query = new URLSearchParams({ limit: String(PAGE), ...(isFlagged && { flagged: 'true' }) });
  if (centerId !== undefined) query.set('center', centerId);
  if (after !== undefined) query.set('after', after);
  const { answer, problem } = useAnswer<Results>(`/api/results?${query}`, REFRESH_MS);
  return html`<div class="stack">
    <h1>${words.title}${centerId && html` <span class="soft">${centerId}</span>`}</h1>
    <label class="check">
      <input type="checkbox" checked=${isFlagged} onChange=${toggle} /> ${words.flagged}
    </label>
    <${Failure} problem=${problem} known=${problems} />
    ${answer?.results.length === 0 && html`<p class="card soft">${nothing}</p>`}
    ${
      answer &&
      answer.results.length > 0 &&
      html`<div class="table card" tabindex="0" role="region" aria-label=${words.title}>
        <table>
          <thead>
            <tr>
              <th>${board.center}</th><th>${words.enrollment}</th><th>${words.test}</th><th>${words.state}</th>
              <th>${words.score}</th><th>${words.submitted}</th>
            </tr>
          </thead>
          <tbody>
            ${answer.results.map(
              ({
                centerId: center,
                enrollmentId,
                rev,
                testId,
                state,
                reasons,
                reported,
                recomputed,
                submittedAt,
              }) =>
                html`<tr key=${`${center} ${enrollmentId} ${rev}`}>
                  <td>${center}</td>
                  <td>${enrollmentId}</td>
                  <td>${testId}</td>
                  <td>
                    <span class="badge ${LOOKS[state]}">${words.states[state]}</span>
                    ${reasons.map((reason) => html`<div class="fine" lang="en">${formatReason(reason, language)}</div>`)}
                  </td>
                  <td>
                    ${
                      recomputed && recomputed.score !== reported.score
                        ? words.scoreOf(String(reported.score), String(recomputed.score))
                        : String(reported.score ?? '')
                    }
                  </td>
                  <td>${submittedAt && formatTime(submittedAt, language)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }
    <div class="row">
      ${after !== undefined && html`<button type="button" onClick=${() => setAfter(undefined)}>${first}</button>`}
      ${answer?.next != null && html`<button type="button" onClick=${() => setAfter(answer.next ?? undefined)}>${more}</button>`}
    </div>
  </div>`;
}
