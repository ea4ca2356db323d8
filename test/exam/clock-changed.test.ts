import { expect, test } from 'vitest';
import { type ClockReading, resumeAt, startClock } from '../../local-node/exam/clock.ts';

const HOUR = 3_600_000;
const NOON = Date.parse('2027-03-01T12:00:00Z');

/** A machine whose time can be set. */
function machine() {
  const state: ClockReading & { monotonicMs: number } = {
    bootId: 'a',
    uptimeMs: 10 * HOUR,
    systemMs: NOON,
    monotonicMs: 5000,
  };
  return {
    state,
    read: (): ClockReading => ({ ...state }),
    monotonicMs: () => state.monotonicMs,
    pass(ms: number) {
      state.uptimeMs += ms;
      state.systemMs += ms;
      state.monotonicMs += ms;
    },
  };
}

test.each([HOUR, -HOUR])(
  'a system time that is set by %d ms changes neither time nor working time',
  (jump) => {
    const { state, pass, ...given } = machine();
    const clock = startClock(undefined, given.read, given.monotonicMs);
    pass(60_000);
    state.systemMs += jump;
    pass(60_000);
    expect(clock.now().getTime()).toBe(NOON + 120_000);
    expect(clock.workingMs()).toBe(120_000);
    expect(clock.jumps()).toEqual([{ by: 'system', ms: jump }]);
    expect(clock.jumps()).toEqual([]);
  },
);

test.each([HOUR, 0, -HOUR])(
  'a node that starts again while the system time was set by %d ms goes on by the time of the machine',
  (jump) => {
    const { state, pass, ...given } = machine();
    const mark = startClock(undefined, given.read, given.monotonicMs).mark();
    pass(20_000);
    state.systemMs += jump;
    const clock = startClock(mark, given.read, given.monotonicMs);
    expect(clock.now().getTime()).toBe(NOON + 20_000);
    expect(clock.workingMs()).toBe(20_000);
    expect(clock.jumps()).toEqual(jump === 0 ? [] : [{ by: 'system', ms: jump }]);
    expect(clock.jumps()).toEqual([]);
  },
);

const mark = { bootId: 'a', uptimeMs: 1000, systemMs: NOON - 5, timeMs: NOON, workingMs: 500 };

test.each([
  [
    'a long outage is charged for a minute only',
    { bootId: 'a', uptimeMs: 1000 + HOUR, systemMs: 0 },
    [NOON + HOUR, 60_500, NOON + HOUR - 5],
  ],
  [
    'a machine that was off charges nothing',
    { bootId: 'b', uptimeMs: 5000, systemMs: NOON + HOUR },
    [NOON + HOUR, 500, NOON + HOUR],
  ],
  [
    'a machine that comes up in the past goes on',
    { bootId: 'b', uptimeMs: 5000, systemMs: NOON - HOUR },
    [NOON, 500, NOON - 5],
  ],
  [
    'a machine that has no boot id is not believed',
    { bootId: '', uptimeMs: 9000, systemMs: NOON + 5 },
    [NOON + 5, 500, NOON + 5],
  ],
] as const)('%s', (_what, reading, [timeMs, workingMs, systemMs]) => {
  const bootId = reading.bootId === '' ? '' : 'a';
  expect(resumeAt({ ...mark, bootId }, reading)).toEqual({ timeMs, workingMs, systemMs });
});

test('the server’s time sets the clock, and working time goes on as before', () => {
  const { pass, state, ...given } = machine();
  state.systemMs = NOON - 24 * HOUR;
  const clock = startClock(undefined, given.read, given.monotonicMs);
  pass(1000);
  expect(clock.correct(NOON)).toBe(24 * HOUR - 1000);
  expect(clock.now().getTime()).toBe(NOON);
  expect(clock.workingMs()).toBe(1000);
  expect(clock.jumps()).toEqual([]);
});

test('a machine that slept is told from one whose time was set: the time goes on, working time does not', () => {
  const { pass, state, ...given } = machine();
  const clock = startClock(undefined, given.read, given.monotonicMs);
  pass(1000);
  state.uptimeMs += HOUR;
  state.systemMs += HOUR;
  expect(clock.jumps()).toEqual([{ by: 'sleep', ms: HOUR }]);
  expect(clock.now().getTime()).toBe(NOON + HOUR + 1000);
  expect(clock.workingMs()).toBe(1000);
  pass(1000);
  expect(clock.jumps()).toEqual([]);
  expect(startClock(clock.mark(), given.read, given.monotonicMs).now()).toEqual(clock.now());
});
