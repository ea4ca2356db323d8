/**
 * What the node does next about its replication, as pure functions: time and chance are arguments, nothing is read
 * or written. sync.ts carries the steps out.
 */
import type { ErrorCode } from '../../replication/errors.ts';

export const MODES = ['continuous', 'batch', 'manual'] as const;
export type Mode = (typeof MODES)[number];
export type Phase = 'idle' | 'push' | 'pull' | 'compare';

/** Which way documents are to go. */
export interface RoundPlan {
  push: boolean;
  pull: boolean;
}

export interface SyncState {
  readonly mode: Mode;
  readonly everyMinutes: number;
  readonly phase: Phase;
  /** The round that runs. */
  readonly round: RoundPlan | undefined;
  /** What the next round is wanted for. */
  readonly wanted: RoundPlan;
  /** Somebody asked for a round now, whatever the mode. */
  readonly requested: boolean;
  /** Since when documents wait to be pushed; so that saves that come together go together. */
  readonly gatheringSince: number | undefined;
  /** Failed rounds since the last good one. */
  readonly failures: number;
  readonly lastError: { code: ErrorCode; reason: string; at: number } | undefined;
  readonly lastRoundAt: number | undefined;
  /** When the next round is due by itself; absent when none is. */
  readonly nextAttemptAt: number | undefined;
}

export type SyncEvent =
  | { type: 'mode'; mode: Mode; everyMinutes: number }
  | { type: 'requested' }
  /** A document was written here, or something changed online. */
  | { type: 'woken'; by: 'local' | 'remote' }
  | { type: 'begun'; plan: RoundPlan }
  | { type: 'phase'; phase: Phase }
  | { type: 'succeeded' }
  /** A failed round, or a wait for the server that failed. */
  | { type: 'failed'; code: ErrorCode; reason: string; permanent: boolean };

export type Step =
  | { do: 'round'; plan: RoundPlan }
  /** Until an event, or until `until`; `listen` for changes online meanwhile. */
  | { do: 'wait'; until: number | undefined; listen: boolean };

const MINUTE_MS = 60_000;
const BOTH: RoundPlan = { push: true, pull: true };
const GATHER_MS = 200;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = MINUTE_MS;
/** In continuous mode a full round is made so often even if nothing happens: silence would look like a dead node. */
const IDLE_ROUND_MS = 5 * MINUTE_MS;

export function initialState(mode: Mode, everyMinutes: number, now: number): SyncState {
  const state: SyncState = {
    mode,
    everyMinutes,
    phase: 'idle',
    round: undefined,
    wanted: BOTH,
    requested: false,
    gatheringSince: undefined,
    failures: 0,
    lastError: undefined,
    lastRoundAt: undefined,
    nextAttemptAt: undefined,
  };
  return { ...state, nextAttemptAt: dueAt(state, now) };
}

/** @param random from 0 to 1. */
export function react(state: SyncState, event: SyncEvent, now: number, random: number): SyncState {
  switch (event.type) {
    case 'mode': {
      const changed = {
        ...state,
        mode: event.mode,
        everyMinutes: event.everyMinutes,
        failures: 0,
        wanted: BOTH,
      };
      return { ...changed, nextAttemptAt: dueAt(changed, now) };
    }
    case 'requested':
      return { ...state, requested: true };
    case 'woken': {
      const wanted = event.by === 'local' ? { ...state.wanted, push: true } : { ...state.wanted, pull: true };
      return { ...state, wanted, gatheringSince: state.gatheringSince ?? now };
    }
    case 'begun':
      return {
        ...state,
        round: event.plan,
        requested: false,
        gatheringSince: undefined,
        wanted: {
          push: state.wanted.push && !event.plan.push,
          pull: state.wanted.pull && !event.plan.pull,
        },
      };
    case 'phase':
      return { ...state, phase: event.phase };
    case 'succeeded': {
      const done: SyncState = {
        ...state,
        phase: 'idle',
        round: undefined,
        failures: 0,
        lastError: undefined,
        lastRoundAt: now,
      };
      return { ...done, nextAttemptAt: afterRound(done, now) };
    }
    case 'failed': {
      const failures = state.failures + 1;
      return {
        ...state,
        phase: 'idle',
        round: undefined,
        wanted: BOTH,
        failures,
        lastError: { code: event.code, reason: event.reason, at: now },
        nextAttemptAt: retryAt({ ...state, failures }, now, event.permanent, random),
      };
    }
  }
}

/** What to do now, while no round runs. */
export function nextStep(state: SyncState, now: number): Step {
  if (state.requested) return { do: 'round', plan: BOTH };
  const isDue = state.nextAttemptAt !== undefined && state.nextAttemptAt <= now;
  if (isDue) return { do: 'round', plan: BOTH };
  const isFollowing = state.mode === 'continuous' && state.failures === 0;
  if (!isFollowing) return { do: 'wait', until: state.nextAttemptAt, listen: false };
  const { push, pull } = state.wanted;
  if (!push && !pull) return { do: 'wait', until: state.nextAttemptAt, listen: true };
  const gatheredAt = (state.gatheringSince ?? now) + GATHER_MS;
  if (gatheredAt <= now || !push) return { do: 'round', plan: state.wanted };
  return { do: 'wait', until: gatheredAt, listen: true };
}

/** When a round is due in a mode that has just begun. */
function dueAt({ mode, everyMinutes, lastRoundAt }: SyncState, now: number): number | undefined {
  if (mode === 'manual') return undefined;
  if (mode === 'continuous' || lastRoundAt === undefined) return now;
  return lastRoundAt + everyMinutes * MINUTE_MS;
}

function afterRound({ mode, everyMinutes }: SyncState, now: number): number | undefined {
  if (mode === 'manual') return undefined;
  return now + (mode === 'batch' ? everyMinutes * MINUTE_MS : IDLE_ROUND_MS);
}

/** Doubling waits with jitter: a thousand centers that lost one server must not all come back at once. */
function retryAt(
  { mode, everyMinutes, failures }: SyncState,
  now: number,
  permanent: boolean,
  random: number,
): number | undefined {
  if (mode === 'manual') return undefined;
  const doubled = permanent ? LONGEST_RETRY_MS : FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10);
  const longest = mode === 'batch' ? Math.min(LONGEST_RETRY_MS, everyMinutes * MINUTE_MS) : LONGEST_RETRY_MS;
  return now + Math.min(doubled, longest) * (0.5 + random / 2);
}
