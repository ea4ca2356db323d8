import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatClock } from '../../../replication/pages/format.ts';
import { html } from '../../../replication/pages/view.ts';
import { useWords } from './words.ts';
import type { Work, WorkState } from './work.ts';

const TICK_MS = 250;
const MINUTE_MS = 60_000;
/** How often the node is asked; more often when the time is up, since it submits then. */
const ASK_MS = 10_000;
const ASK_AT_THE_END_MS = 1000;
/** When the candidate is told how much is left. */
const WARNINGS = [10, 5, 1];

/** What is left of the session's time; by the node's word, and between two words by a clock that nobody sets. */
export function Clock({ work, state }: { work: Work; state: WorkState }): VNode {
  const { clock } = useWords();
  const [now, setNow] = useState(() => performance.now());
  const leftMs = Math.max(0, state.endsAtMs - now);
  const isUp = leftMs === 0;
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    const timer = setInterval(work.lookAtClock, isUp ? ASK_AT_THE_END_MS : ASK_MS);
    // A machine that slept, or a page in the background, has an old idea of the time.
    const seen = () => document.visibilityState === 'visible' && void work.lookAtClock();
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [isUp]);
  const warning = WARNINGS.filter((minutes) => leftMs <= minutes * MINUTE_MS).at(-1);
  return html`<div class="clock ${warning === undefined || warning > 5 ? '' : 'soon'}">
    <span class="fine">${clock.left}</span>
    <span class="time" role="timer">${formatClock(leftMs)}</span>
    <span class="unseen" role="status">${warning !== undefined && !isUp ? clock.warning(warning) : ''}</span>
    ${isUp && html`<p class="notice wait over" role="alert">${clock.up}</p>`}
  </div>`;
}
