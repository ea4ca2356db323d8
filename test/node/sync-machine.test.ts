import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  initialState,
  MODES,
  nextStep,
  react,
  type SyncEvent,
  type SyncState,
} from '../../local-node/sync/machine.ts';

const BOTH = { push: true, pull: true };
const MINUTE = 60_000;

/** A state after events, each with its time. */
function stateAfter(mode: SyncState['mode'], ...events: [number, SyncEvent][]): SyncState {
  let state = initialState(mode, 10, 0);
  for (const [now, event] of events) state = react(state, event, now, 0.5);
  return state;
}

const begun: SyncEvent = { type: 'begun', plan: BOTH };
const succeeded: SyncEvent = { type: 'succeeded' };
const failed: SyncEvent = { type: 'failed', code: 'unreachable', reason: 'no line', permanent: false };
const round: [number, SyncEvent][] = [
  [0, begun],
  [1000, succeeded],
];

describe('what the node does next', () => {
  test('manual: nothing, until somebody asks', () => {
    const idle = stateAfter('manual', ...round, [1500, { type: 'woken', by: 'local' }]);
    expect(nextStep(idle, 10 ** 12)).toEqual({ do: 'wait', until: undefined, listen: false });
    expect(nextStep(react(idle, { type: 'requested' }, 0, 0), 2000)).toEqual({ do: 'round', plan: BOTH });
    expect(nextStep(stateAfter('manual', [0, begun], [1, failed]), 10 ** 12)).toMatchObject({ do: 'wait' });
  });

  test('batch: a round every so many minutes, and none in between', () => {
    const idle = stateAfter('batch', ...round, [1500, { type: 'woken', by: 'local' }]);
    expect(nextStep(idle, 2000)).toEqual({ do: 'wait', until: 1000 + 10 * MINUTE, listen: false });
    expect(nextStep(idle, 1000 + 10 * MINUTE)).toEqual({ do: 'round', plan: BOTH });
  });

  test('continuous: listens, gathers what is saved here, fetches at once what is new online', () => {
    const idle = stateAfter('continuous', ...round);
    expect(nextStep(idle, 2000)).toEqual({ do: 'wait', until: 1000 + 5 * MINUTE, listen: true });
    const saved = react(idle, { type: 'woken', by: 'local' }, 2000, 0);
    expect(nextStep(saved, 2000)).toEqual({ do: 'wait', until: 2200, listen: true });
    expect(nextStep(saved, 2200)).toEqual({ do: 'round', plan: { push: true, pull: false } });
    const changed = react(idle, { type: 'woken', by: 'remote' }, 2000, 0);
    expect(nextStep(changed, 2000)).toEqual({ do: 'round', plan: { push: false, pull: true } });
  });

  test('what is saved during a round is pushed after it', () => {
    const state = stateAfter(
      'continuous',
      [0, begun],
      [500, { type: 'woken', by: 'local' }],
      [1000, succeeded],
    );
    expect(nextStep(state, 1000)).toEqual({ do: 'round', plan: { push: true, pull: false } });
  });

  test('after failures it waits longer each time, up to a minute, with jitter, and then both ways', () => {
    let state = initialState('continuous', 10, 0);
    const waits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(() => {
      state = react(react(state, begun, 0, 0), failed, 0, 1);
      return state.nextAttemptAt;
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((seconds) => seconds * 1000));
    expect(react(state, failed, 0, 0).nextAttemptAt).toBe(MINUTE / 2);
    expect(nextStep(state, 100)).toEqual({ do: 'wait', until: MINUTE, listen: false });
    expect(nextStep(state, MINUTE)).toEqual({ do: 'round', plan: BOTH });
    const refused = react(initialState('continuous', 10, 0), { ...failed, permanent: true }, 0, 1);
    expect(refused.nextAttemptAt).toBe(MINUTE);
  });

  test('in any order of events a wish is never forgotten, and only manual waits for ever', () => {
    const event: fc.Arbitrary<SyncEvent> = fc.oneof(
      fc.record({
        type: fc.constant('mode' as const),
        mode: fc.constantFrom(...MODES),
        everyMinutes: fc.integer({ min: 1, max: 60 }),
      }),
      fc.constantFrom<SyncEvent>(
        { type: 'requested' },
        { type: 'woken', by: 'local' },
        { type: 'woken', by: 'remote' },
      ),
      fc.constant<SyncEvent>({ type: 'mode', mode: 'continuous', everyMinutes: 1 }),
    );
    const outcome = fc.constantFrom<SyncEvent>(succeeded, failed);
    fc.assert(
      fc.property(fc.array(fc.tuple(event, outcome, fc.integer({ min: 0, max: MINUTE }))), (steps) => {
        let state = initialState('continuous', 10, 0);
        let now = 0;
        let unpushed = false;
        for (const [happens, ends, later] of steps) {
          now += later;
          state = react(state, happens, now, 0.5);
          if (happens.type === 'woken' && happens.by === 'local') unpushed = true;
          const step = nextStep(state, now);
          if (step.do === 'wait' && step.until === undefined) expect(state.mode).toBe('manual');
          if (step.do === 'wait') continue;
          expect(step.plan.push || step.plan.pull).toBe(true);
          state = react(react(state, { type: 'begun', plan: step.plan }, now, 0.5), ends, now, 0.5);
          if (step.plan.push && ends.type === 'succeeded') unpushed = false;
        }
        if (state.mode === 'manual') return;
        // Let time pass: whatever is wanted happens.
        const step = nextStep(state, now + 61 * MINUTE);
        expect(step.do).toBe('round');
        if (unpushed && step.do === 'round') expect(step.plan.push).toBe(true);
      }),
    );
  });
});
