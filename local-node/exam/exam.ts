import type { FastifyBaseLogger } from 'fastify';
import { messageOf, SyncError } from '../../replication/errors.ts';
import type { ExamSession, SubmittedBy } from '../../replication/exam-documents.ts';
import type { Logbook } from '../logbook.ts';
import type { Replica } from '../replica.ts';
import { type CandidateName, type Candidates, createNames, openCandidates } from './candidates.ts';
import { type ClockMark, type ExamClock, startClock } from './clock.ts';
import { createEntrance, type Entrance } from './entrance.ts';
import { createPapers, type Papers } from './papers.ts';
import { remainingMs, type SaveOutcome, type Signer } from './sitting.ts';
import { openSittings, type Sittings, submitted } from './sittings.ts';
import type { ExamStore } from './store.ts';

export interface ExamParts {
  store: ExamStore;
  replica: Replica;
  logbook: Logbook;
  clock: ExamClock;
  /** The node as it stands in what it writes now. */
  signer(): Signer;
  log: FastifyBaseLogger;
}

export interface ExtraTime {
  minutes: number;
  reason: string;
  /** One session; absent for all that run. */
  sessionId?: string | undefined;
  /** Of one test only. */
  testId?: string | undefined;
}

/** Exam day at this node: nothing here waits for the network. */
export interface Exam extends AsyncDisposable, Entrance {
  readonly clock: ExamClock;
  readonly sittings: Sittings;
  /** Saves an answer; on the disk when it resolves. @throws SyncError session_submitted, insufficient_storage. */
  save(sessionId: string, questionId: string, choice: string | null, n: number): Promise<SaveOutcome>;
  /** Ends a session; again, it tells the same. */
  submit(sessionId: string, by: SubmittedBy): Promise<ExamSession>;
  /** @returns how many sessions got it. */
  giveExtraTime(extra: ExtraTime): Promise<number>;
  /** Sets the node's time by the operator's watch. */
  setClock(time: Date): Promise<void>;
  /** What time it is at the server: where the node's own is far from it, the server's holds. */
  heardServerTime(time: Date): void;
  /** Brings the answer sheets in the replica up to date. */
  flush(): Promise<void>;
  readonly papers: Papers;
  /** Who sits a session, or is to sit one. */
  candidateOf(session: Pick<ExamSession, 'enrollmentId' | 'registrationNumber'>): Promise<CandidateName>;
}

const TICK_MS = 1000;
const KEEP_CLOCK_MS = 5000;
const FLUSH_MS = 30_000;
/** The server's answers tell the time in whole seconds, and some of them travel long. */
const FAR_MS = 30_000;

/** The clock of the last run, gone on with; where it stands is on the disk before anything goes by it. */
export async function resumeClock(store: ExamStore): Promise<ExamClock> {
  const clock = startClock(await store.get<ClockMark>('clock'));
  await store.write([['clock', clock.mark()]]);
  return clock;
}

/** @param options.follow false: nothing goes on by itself; for a command that opens the node for its own use. */
export async function openExam(parts: ExamParts, { follow }: { follow: boolean }): Promise<Exam> {
  const { store, replica, logbook, clock, log } = parts;
  const { centerId } = parts.signer();
  const papers = createPapers(store, replica);
  const sittings = await openSittings(parts, papers);
  const names = createNames(replica, centerId);
  const candidates = await openCandidates(replica, centerId, {
    testChanged: papers.changed,
    registrationChanged: names.changed,
    workChanged: sittings.changed,
  });
  const entrance = createEntrance(parts, { papers, sittings, candidates });

  async function giveExtraTime({ minutes, reason, sessionId, testId }: ExtraTime): Promise<number> {
    const chosen = sessionId === undefined ? sittings.running() : [sittings.get(sessionId)];
    const given = chosen.filter(({ sitting }) => testId === undefined || sitting.session.testId === testId);
    const enrollmentIds = given.map(({ sitting }) => sitting.session.enrollmentId);
    // Logged first: no session has time of which the log does not tell, whenever the node is killed.
    await logbook.append('extra time', { minutes, reason, enrollmentIds });
    const extended = await Promise.all(given.map((sitting) => sitting.extend(minutes)));
    const count = extended.filter(Boolean).length;
    if (sessionId !== undefined && count < given.length) throw submitted();
    return count;
  }

  async function correctClock(time: Date, by: 'operator' | 'server'): Promise<void> {
    const wrongMs = clock.correct(time.getTime());
    await store.write([['clock', clock.mark()]]);
    await logbook.append('clock jump', { by, ms: wrongMs });
  }

  const timers = follow ? startTimers(parts, sittings, candidates) : undefined;
  return {
    ...entrance,
    clock,
    papers,
    sittings,
    async save(sessionId, questionId, choice, n) {
      const live = sittings.get(sessionId);
      if (remainingMs(live.sitting, clock.workingMs()) === 0) {
        await sittings.submit(sessionId, 'time');
        throw new SyncError('session_submitted', 'the time is up; what was saved before is submitted');
      }
      return live.save(questionId, choice, n);
    },
    submit: sittings.submit,
    giveExtraTime,
    setClock: (time) => correctClock(time, 'operator'),
    heardServerTime(time) {
      if (Math.abs(time.getTime() - clock.now().getTime()) < FAR_MS) return;
      correctClock(time, 'server').catch((error) => log.error({ err: error }, 'not logged'));
    },
    flush: sittings.flush,
    candidateOf: names.of,
    async [Symbol.asyncDispose]() {
      await timers?.[Symbol.asyncDispose]();
      await sittings
        .flush()
        .catch((error) => log.error({ err: error }, 'answer sheets not brought up to date'));
      await store
        .write([['clock', clock.mark()]])
        .catch((error) => log.error({ err: error }, 'clock not kept'));
    },
  };
}

/** What goes on by itself: the end of sessions, the clock, the answer sheets, and what others have changed. */
function startTimers(
  { store, replica, logbook, clock, log }: ExamParts,
  sittings: Sittings,
  candidates: Candidates,
): AsyncDisposable {
  const duties: [everyMs: number, what: string, work: () => Promise<unknown>][] = [
    [TICK_MS, 'sessions whose time is up', () => sittings.submitOverdue()],
    [TICK_MS, 'what has changed in the replica', () => candidates.catchUp()],
    [TICK_MS, 'the clock', noteJumps],
    [KEEP_CLOCK_MS, 'the time', () => store.write([['clock', clock.mark()]])],
    [TICK_MS, 'the answer sheets', () => sittings.flushNext(FLUSH_MS / TICK_MS)],
  ];

  async function noteJumps(): Promise<void> {
    for (const jump of clock.jumps()) {
      log.warn(jump, 'the system time was set, or the machine slept; the exam goes by its own clock');
      await logbook.append('clock jump', { ...jump });
    }
  }

  const running = new Set<Promise<unknown>>();
  const timers = duties.map(([everyMs, what, work]) => {
    let lastFailure: string | undefined;
    let busy: Promise<unknown> | undefined;
    return setInterval(() => {
      // A repair has the replica closed for a moment.
      if (busy || replica.closing.aborted) return;
      busy = work()
        .then(() => {
          lastFailure = undefined;
        })
        .catch((error: unknown) => {
          if (messageOf(error) !== lastFailure) log.error({ err: error }, `failed: ${what}`);
          lastFailure = messageOf(error);
        })
        .finally(() => {
          running.delete(busy as Promise<unknown>);
          busy = undefined;
        });
      running.add(busy);
    }, everyMs);
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running);
    },
  };
}
