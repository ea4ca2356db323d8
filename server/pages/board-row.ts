import type { VNode } from 'preact';
import { formatCount, formatSpan, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import type { BoardCenter, BoardTest } from '../board/schemas.ts';
import { memo } from './memo.ts';
import { attention } from './rows.ts';
import { useWords } from './words.ts';

/** How a readiness looks, here and on a center's own screen. */
export const READINESS_LOOKS = {
  ready: 'good',
  behind: 'wait',
  differs: 'bad',
  'never synced': 'bad',
  silent: 'bad',
} as const;
const SIGNS = { ready: '✓', behind: '↓', differs: '≠', 'never synced': '–', silent: '…' } as const;

/** Drawn again only when its center or the tests have changed. */
export const Row = memo(function Row({
  center,
  tests,
  isWhy,
}: {
  center: BoardCenter;
  tests: BoardTest[];
  isWhy: boolean;
}): VNode {
  const { board: words, never } = useWords();
  const language = useLanguage();
  const { centerId, name, pendingPull, pendingPush, secondsLeft, lastSeenAt } = center;
  const byTest = new Map(center.tests.map((test) => [test.testId, test]));
  const count = (value: number | null) => (value === null ? '–' : formatCount(value, language));
  return html`<tr>
    <th scope="row">
      <a href=${`#/centers/${encodeURIComponent(centerId)}`}>${centerId}</a> <span class="soft">${name}</span>
    </th>
    ${
      isWhy
        ? html`<td class="why"><${Why} center=${center} /></td>`
        : tests.map(({ testId }) => {
            const test = byTest.get(testId);
            if (!test) return html`<td key=${testId}></td>`;
            return html`<td key=${testId}><${Cell} test=${test} /></td>`;
          })
    }
    <td>${secondsLeft ? formatSpan(secondsLeft * 1000, language) : ''}</td>
    <td>${count(pendingPull)}</td>
    <td>${count(pendingPush)}</td>
    <td>${lastSeenAt ? formatTime(lastSeenAt, language) : never}</td>
    <td>${attention(center) > 0 && html`<${Attention} center=${center} words=${words} />`}</td>
  </tr>`;
});

/** The state by its sign and color, and in words for those who listen or point at it. */
function Cell({ test: { state, behind } }: { test: BoardCenter['tests'][number] }): VNode {
  const { states, board: words } = useWords();
  const language = useLanguage();
  const isCounted = (state === 'behind' || state === 'silent') && behind !== null;
  const said = isCounted ? words.reasons[state](behind) : states[state];
  return html`<span class="badge ${READINESS_LOOKS[state]}" role="img" aria-label=${said} title=${said}>
    ${SIGNS[state]}${isCounted && ` ${formatCount(behind, language)}`}
  </span>`;
}

/** What the signs mean. */
export function Legend(): VNode {
  const { states } = useWords();
  return html`<p class="row fine soft" aria-hidden="true">
    ${(Object.keys(SIGNS) as (keyof typeof SIGNS)[]).map(
      (state) =>
        html`<span key=${state}><span class="badge ${READINESS_LOOKS[state]}">${SIGNS[state]}</span> ${states[state]}</span>`,
    )}
  </p>`;
}

/** Why a center is not ready: each reason, and the tests that it is of unless it is of all. */
function Why({ center }: { center: BoardCenter }): VNode {
  const { board: words } = useWords();
  const open = center.tests.filter(({ state }) => state !== 'ready');
  const groups = Map.groupBy(open, ({ state, behind }) => words.reasons[state](behind ?? 0));
  const namesOf = (tests: BoardCenter['tests']) =>
    tests.length === center.tests.length ? undefined : tests.map(({ testId }) => testId).join(', ');
  const text = [...groups].map(([reason, tests]) => words.because(reason, namesOf(tests))).join(' · ');
  return html`<span title=${text}>${text}</span>`;
}

function Attention({
  center,
  words,
}: {
  center: BoardCenter;
  words: ReturnType<typeof useWords>['board'];
}): VNode {
  const { conflicts, quarantined, results } = center;
  const texts = [
    conflicts > 0 && words.conflicts(conflicts),
    quarantined > 0 && words.quarantined(quarantined),
    results.flagged > 0 && words.flagged(results.flagged),
  ].filter(Boolean);
  return html`<span class="badge wait">${texts.join(', ') || '≠'}</span>`;
}
