import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { Problem } from '../../../replication/pages/ask.ts';
import { formatCount, formatSpan, formatTime } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { Reason } from '../../../replication/pages/reason.ts';
import { html, textOf } from '../../../replication/pages/view.ts';
import { LONG_MS, type NodeLink, type Status } from './node.ts';
import { useWords } from './words.ts';

/** When the node replicates, and how it gets on with it. */
export function Replication({ node, status }: { node: NodeLink; status: Status }): VNode {
  const { replication: words, problems } = useWords();
  const language = useLanguage();
  const act = useAct();
  const { lastPullAt, lastPushAt, pendingPush, pendingPull, nextAttemptAt, lastError, mode } = status;
  const time = (iso: string | null) => (iso === null ? words.never : formatTime(iso, language));
  const replicate = () =>
    act.run(() => node.ask('POST', '/api/replicate?wait=true', { patienceMs: LONG_MS }));
  // The node answers that it came no further; its status tells by which error.
  const isOfLine = act.problem?.code === 'unreachable' && lastError !== null;
  const problem = isOfLine ? new Problem(lastError.code, lastError.reason) : act.problem;
  const isRunning = act.isRunning || status.phase !== 'idle';
  return html`<section class="card stack">
    <div class="row spread">
      <h2>${words.title}</h2>
      <button type="button" class="primary" aria-disabled=${isRunning} onClick=${replicate}>
        ${isRunning ? words.running : words.now}
      </button>
    </div>
    ${isRunning && html`<${Progress} status=${status} />`}
    <${Failure} problem=${problem} known=${problems} />
    <dl class="facts">
      <dt>${words.received}</dt><dd>${time(lastPullAt)}</dd>
      <dt>${words.sent}</dt><dd>${time(lastPushAt)}</dd>
      <dt>${words.waiting}</dt><dd>${formatCount(pendingPush, language)}</dd>
      <dt>${words.toReceive}</dt>
      <dd>${pendingPull === null ? words.notKnown : formatCount(pendingPull, language)}</dd>
      ${mode !== 'manual' && nextAttemptAt && html`<dt>${words.next}</dt><dd>${time(nextAttemptAt)}</dd>`}
      ${
        lastError &&
        !problem &&
        html`<dt>${words.lastError}</dt>
          <dd><${Reason} code=${lastError.code} reason=${lastError.reason} /> (${time(lastError.at)})</dd>`
      }
    </dl>
    <${Mode} node=${node} status=${status} />
  </section>`;
}

/** How far a replication is, how fast it goes, and how long it will take at that speed. */
function Progress({ status: { phase, progress } }: { status: Status }): VNode {
  const { replication: words } = useWords();
  const language = useLanguage();
  const started = useRef({ phase, at: performance.now(), count: 0 });
  const count = phase === 'push' ? progress.pushed : progress.pulled;
  if (started.current.phase !== phase) started.current = { phase, at: performance.now(), count };
  const perSecond =
    ((count - started.current.count) * 1000) / Math.max(1, performance.now() - started.current.at);
  const hasTotal = phase === 'pull' && progress.total !== null && progress.total > 0;
  const leftMs = hasTotal && perSecond > 0 ? (((progress.total ?? 0) - count) * 1000) / perSecond : undefined;
  const moved = words.moved(formatCount(progress.pushed, language), formatCount(progress.pulled, language));
  return html`<div class="stack tight">
    ${
      hasTotal
        ? html`<progress aria-label=${words.title} max=${progress.total} value=${progress.pulled}></progress>`
        : html`<progress aria-label=${words.title}></progress>`
    }
    <p class="soft fine number">
      ${words.phases[phase]} ${moved}
      ${perSecond >= 1 && html` · ${words.speed(formatCount(Math.round(perSecond), language))}`}
      ${leftMs !== undefined && html` · ${words.left(formatSpan(leftMs, language))}`}
    </p>
  </div>`;
}

const MODES = ['continuous', 'batch', 'manual'] as const;

function Mode({ node, status }: { node: NodeLink; status: Status }): VNode {
  const { replication: words, pin, problems } = useWords();
  const act = useAct();
  const needsPin = status.hasPin && !node.state.isUnlocked;
  const set = (mode: Status['mode'], everyMinutes = status.everyMinutes) =>
    act.run(() => node.ask('PUT', '/api/mode', { body: { mode, everyMinutes: Math.max(1, everyMinutes) } }));
  const minutes = html`<input
      type="number"
      min="1"
      max="10080"
      aria-label=${`${words.batchBefore} … ${words.batchAfter}`}
      value=${status.everyMinutes}
      disabled=${needsPin}
      onChange=${(event: Event) => set('batch', Math.round(Number(textOf(event))) || 1)}
    />
    <span>${words.batchAfter}</span>`;
  const labels = { continuous: words.continuous, batch: words.batchBefore, manual: words.manual };
  return html`<fieldset class="modes">
    <legend class="soft">${words.mode}</legend>
    <div class="row">
      ${MODES.map(
        (mode) =>
          html`<label class="check">
            <input
              type="radio"
              name="mode"
              checked=${status.mode === mode}
              disabled=${needsPin}
              onChange=${() => set(mode)}
            />
            <span>${labels[mode]}</span>
          </label>
          ${mode === 'batch' && minutes}`,
      )}
      ${needsPin && html`<span class="soft fine">${pin.needed}</span>`}
    </div>
    <${Failure} problem=${act.problem} known=${problems} />
  </fieldset>`;
}
