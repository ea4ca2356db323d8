import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { SyncError } from '../../replication/errors.ts';
import type { LineSession } from '../line.ts';
import type { NodeState, StateOperation } from '../state.ts';
import { explain } from './explain.ts';
import { openListener } from './listener.ts';
import {
  initialState,
  type Mode,
  nextStep,
  type RoundPlan,
  react,
  type Step,
  type SyncEvent,
  type SyncState,
} from './machine.ts';
import { type RoundCounts, type RoundParts, runRound, type SyncMarks } from './round.ts';
import { steadyNow } from './steady-time.ts';

/** How a round went that somebody asked for. */
export interface RoundOutcome {
  pushed: number;
  pulled: number;
}

/** The node's replication: one loop that does what the machine says is next. */
export interface Sync extends AsyncDisposable {
  readonly state: SyncState;
  readonly marks: Readonly<SyncMarks>;
  /** Of the round that runs, else of the last one. */
  readonly counts: Readonly<RoundCounts>;
  /** Hears of every change of the above. */
  onChange(listener: () => void): () => void;
  /** Kept on the disk when it returns; a round that runs goes on. */
  setMode(mode: Mode, everyMinutes: number): Promise<void>;
  /** A round now, both ways; joins one that runs. @throws SyncError unreachable that says why in one line. */
  replicate(): Promise<RoundOutcome>;
  /** Keeps the marks as they are now, together with `operations`, whole or not at all. */
  keepMarks(operations: StateOperation[]): Promise<void>;
  /** Runs `work` while no round does, and none begins. */
  paused<Result>(work: () => Promise<Result>): Promise<Result>;
}

export interface SyncOptions {
  state: NodeState;
  log: FastifyBaseLogger;
  /** False: rounds are made only when they are asked for, whatever the mode. */
  follow: boolean;
}

const NO_MARKS: SyncMarks = {
  lastPullAt: null,
  lastPushAt: null,
  since: null,
  importedSince: null,
  isPartial: false,
  pushedSeq: 0,
  comparedAt: null,
  equal: null,
  ownEqual: null,
  reportRev: null,
  isDown: false,
};
const DEFAULT_EVERY_MINUTES = 15;

/** The marks of the last run. */
export async function readMarks(state: NodeState): Promise<SyncMarks> {
  return { ...NO_MARKS, ...(await state.space<Partial<SyncMarks>>('sync').get('marks')) };
}

export async function openSync(parts: RoundParts, { state: kept, log, follow }: SyncOptions): Promise<Sync> {
  const settings = kept.space<{ mode: Mode; everyMinutes: number } | SyncMarks>('sync');
  const chosen = (await settings.get('mode')) as { mode: Mode; everyMinutes: number } | undefined;
  const events = new EventEmitter().setMaxListeners(0);
  const stopping = new AbortController();
  const listener = openListener(parts.line, (failure) => {
    if (failure === undefined) tell({ type: 'woken', by: 'remote' });
    else fail(failure);
  });
  let state = initialState(
    chosen?.mode ?? 'continuous',
    chosen?.everyMinutes ?? DEFAULT_EVERY_MINUTES,
    steadyNow(),
  );
  let counts: RoundCounts = { pushed: 0, pulled: 0, total: undefined };
  let session: LineSession | undefined;
  let running: Promise<RoundOutcome> | undefined;
  let pauses = 0;

  function tell(event: SyncEvent): void {
    state = react(state, event, steadyNow(), Math.random());
    events.emit('change');
  }

  parts.replica.onChange((change) => {
    const isKnown = (id: string, rev: string) =>
      session?.isKnown(id, rev) === true || parts.isImported(id, rev) === true;
    const isLocal = parts.unpushed.note(change, isKnown);
    if (isLocal) tell({ type: 'woken', by: 'local' });
  });

  async function round(plan: RoundPlan): Promise<RoundOutcome> {
    const { failures, lastRoundAt, mode } = state;
    const isFirst = lastRoundAt === undefined;
    tell({ type: 'begun', plan });
    counts = { pushed: 0, pulled: 0, total: undefined };
    try {
      const options = { ...plan, mode, isFirst, isSettled: !isFirst && failures === 0 };
      counts = await runRound(parts, options, stopping.signal, {
        phase: (phase) => tell({ type: 'phase', phase }),
        progress(now) {
          counts = { ...now };
          events.emit('change');
        },
        session(now) {
          session = now;
        },
      });
      const { pushed, pulled } = counts;
      if (pushed + pulled > 0) {
        log.info({ pushed, pulled }, 'replicated');
        await parts.logbook.note('replicated', { pushed, pulled });
      }
      return { pushed, pulled };
    } catch (error) {
      throw new SyncError('unreachable', fail(error), { cause: error });
    } finally {
      await settings.put('marks', parts.marks).catch((error) => log.error({ err: error }, 'state not kept'));
    }
  }

  /** @returns why, in one line. */
  function fail(error: unknown): string {
    const { code, reason, permanent } = explain(error);
    if (stopping.signal.aborted) return reason;
    if (state.lastError?.reason !== reason) log.warn({ reason }, 'the replication failed');
    // Without a status and not of ours: a fault in the program, whose stack is needed.
    if (error instanceof Error && error.name.endsWith('TypeError')) log.error({ err: error }, reason);
    noteDown(reason);
    tell({ type: 'failed', code, reason, permanent });
    return reason;
  }

  /** Once for each time that the line goes down. */
  function noteDown(reason: string): void {
    if (parts.marks.isDown) return;
    parts.marks.isDown = true;
    parts.logbook.note('line down', { reason }).catch((error) => log.error({ err: error }, 'not logged'));
  }

  /** Until an event, or until the time of the step; a change online meanwhile is an event. */
  async function wait(step: Extract<Step, { do: 'wait' }>): Promise<void> {
    const until = new AbortController();
    const signal = AbortSignal.any([until.signal, stopping.signal]);
    const waits: Promise<unknown>[] = [once(events, 'change', { signal })];
    const dueMs = step.until === undefined ? undefined : Math.max(step.until - steadyNow(), 0);
    if (dueMs !== undefined) waits.push(delay(dueMs, undefined, { signal }));
    if (step.listen) listener.listen(parts.marks.since ?? '0');
    else listener.stop();
    try {
      await Promise.race(waits);
    } finally {
      until.abort();
      await Promise.allSettled(waits);
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const step = nextStep(follow ? state : asked(state), steadyNow());
      if (pauses > 0) {
        await once(events, 'change', { signal: stopping.signal });
      } else if (step.do === 'wait') {
        await wait(step);
      } else {
        running = round(step.plan).finally(() => {
          running = undefined;
        });
        // The machine is told of success only here, so that whoever waits for the round sees it ended.
        await running.then(
          () => tell({ type: 'succeeded' }),
          () => {},
        );
      }
    }
  }

  const looping = loop().catch((error) => {
    if (!stopping.signal.aborted) throw error;
  });

  return {
    get state() {
      return state;
    },
    marks: parts.marks,
    get counts() {
      return counts;
    },
    onChange(hear) {
      events.on('change', hear);
      return () => events.off('change', hear);
    },
    async setMode(mode, everyMinutes) {
      const isNew = mode !== state.mode || everyMinutes !== state.everyMinutes;
      await settings.put('mode', { mode, everyMinutes });
      if (isNew) await parts.logbook.note('mode changed', { mode, everyMinutes });
      tell({ type: 'mode', mode, everyMinutes });
    },
    async replicate() {
      const isFull = running && state.round?.push && state.round.pull;
      if (running && isFull) return running;
      if (running) await running.catch(() => {});
      tell({ type: 'requested' });
      while (!running && !stopping.signal.aborted) await once(events, 'change', { signal: stopping.signal });
      return running as Promise<RoundOutcome>;
    },
    async keepMarks(operations) {
      await kept.batch([settings.putting('marks', parts.marks), ...operations]);
      events.emit('change');
    },
    async paused(work) {
      pauses += 1;
      try {
        await running?.catch(() => {});
        return await work();
      } finally {
        pauses -= 1;
        events.emit('change');
      }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new SyncError('not_ready', 'the node is stopping'));
      listener.stop();
      await looping;
    },
  };
}

/** For a node that only answers commands: nothing happens by itself. */
function asked(state: SyncState): SyncState {
  return state.requested ? state : { ...state, mode: 'manual', nextAttemptAt: undefined };
}
