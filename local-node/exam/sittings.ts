import type { Answer } from '../../replication/answer-sheet.ts';
import { canonicalJson } from '../../replication/canonical.ts';
import { SyncError } from '../../replication/errors.ts';
import type { ExamSession, SubmittedBy } from '../../replication/exam-documents.ts';
import type { EnrollmentDocument } from './candidates.ts';
import type { ExamParts } from './exam.ts';
import { answersOf, createLiveSitting, type LiveSitting } from './live-sitting.ts';
import type { Paper } from './paper.ts';
import type { Papers } from './papers.ts';
import { beginSitting, joinAnswers, remainingMs, type Sitting, submittedSession } from './sitting.ts';
import type { ExamRecord } from './store.ts';
import { allWritten, type CandidateWork, createWorkDocuments } from './work-documents.ts';

/** The sessions of this node: those that run, and those that are over. */
export interface Sittings {
  /** A session that runs here. @throws SyncError session_submitted, not_found. */
  get(sessionId: string): LiveSitting;
  running(): LiveSitting[];
  /** A session that is over. */
  ended(sessionId: string): ExamSession | undefined;
  allEnded(): ExamSession[];
  /** Begins the session of a candidate who has none. */
  begin(enrollment: EnrollmentDocument, sessionId: string, paper: Paper): Promise<LiveSitting>;
  /**
   * The running session of an enrollment; one that another node of the center began is taken over. `undefined` when
   * there is none yet. @throws SyncError session_submitted.
   */
  adopt(enrollmentId: string, sessionId: string): Promise<LiveSitting | undefined>;
  /** Whether this enrollment has a session that runs, here or at another node. @throws SyncError session_submitted. */
  isRunning(enrollmentId: string, sessionId: string): Promise<boolean>;
  /** Ends a session; one that is over is told as it ended. */
  submit(sessionId: string, by: SubmittedBy): Promise<ExamSession>;
  submitOverdue(): Promise<void>;
  /** Brings all answer sheets in the replica up to date. */
  flush(): Promise<void>;
  /** Brings the next part of the sheets up to date: all of them in so many turns, so that no turn takes long. */
  flushNext(turns: number): Promise<void>;
  /** The documents of this enrollment have changed in the replica, here or elsewhere. */
  changed(enrollmentId: string): Promise<void>;
}

export async function openSittings(parts: ExamParts, papers: Papers): Promise<Sittings> {
  const { store, replica, logbook, clock, signer, log } = parts;
  const documents = createWorkDocuments(replica, signer().centerId);
  const live = new Map<string, LiveSitting>();
  const byEnrollment = new Map<string, LiveSitting>();
  const over = new Map<string, ExamSession>();
  let turn = 0;

  function goOn(sitting: LiveSitting): LiveSitting {
    const { sessionId, enrollmentId } = sitting.sitting.session;
    live.set(sessionId, sitting);
    byEnrollment.set(enrollmentId, sitting);
    return sitting;
  }

  /** Writes the first documents of a session that is to run here; one that cannot be kept does not run. */
  async function settle(sitting: Sitting): Promise<LiveSitting> {
    const { sessionId } = sitting.session;
    await papers.keep(sitting.paper);
    await store.write([[baseOf(sessionId), sitting.baseMs]]);
    const settled = createLiveSitting(parts, documents, sitting);
    await Promise.all([settled.extend(0), settled.flush()]);
    return goOn(settled);
  }

  /** The session no longer runs here; its records in the store have served. */
  async function leave({ sessionId, enrollmentId }: ExamSession): Promise<void> {
    live.delete(sessionId);
    byEnrollment.delete(enrollmentId);
    const records: ExamRecord[] = [[baseOf(sessionId), undefined]];
    for await (const [key] of store.entries(answersOf(sessionId))) records.push([key, undefined]);
    await store.write(records);
  }

  async function end(sitting: LiveSitting, by: SubmittedBy): Promise<ExamSession> {
    const ended = await sitting.submit(by);
    over.set(ended.sessionId, ended);
    await leave(ended);
    return ended;
  }

  /** A sitting as its documents and the saves in the store say. */
  async function restore(work: CandidateWork, session: ExamSession, baseMs: number): Promise<Sitting> {
    const { sessionId, testId, enrollmentId, nodeId, keyId } = session;
    const paper = (await papers.kept(testId)) ?? (await papers.current(testId));
    if (!paper) throw new SyncError('not_ready', `test ${testId} is not at this center`);
    let answers = work.sheet?.answers ?? {};
    for await (const [key, answer] of store.entries<Answer>(answersOf(sessionId))) {
      const questionId = key.slice(answersOf(sessionId).length, key.lastIndexOf('/'));
      answers = joinAnswers(answers, { [questionId]: answer });
    }
    const isDirty = canonicalJson(answers) !== canonicalJson(work.sheet?.answers ?? {});
    const empty = { type: 'answers' as const, sessionId, enrollmentId, testId, nodeId, keyId, elapsedMs: 0 };
    const sheet = work.sheet ?? { ...empty, _id: session._id.replace(':session:', ':answers:'), answers };
    return { session, sheet: { ...sheet, sessionId, answers }, paper, baseMs, isDirty };
  }

  /**
   * A session that ran here when the node stopped. One that is over by now, here or at another node, is not gone on
   * with: of that, only the answers that no sheet has yet are brought into it.
   */
  async function resume(session: ExamSession, baseMs: number): Promise<void> {
    const work = await documents.read(session.enrollmentId);
    const sitting = createLiveSitting(parts, documents, await restore(work, session, baseMs));
    const result = work.result?.sessionId === session.sessionId ? work.result : undefined;
    if (session.status !== 'submitted' && !result) {
      goOn(sitting);
      return;
    }
    await sitting.flush();
    const ended = session.status === 'submitted' || !result ? session : submittedSession(session, result);
    if (ended !== session) allWritten(await documents.write([ended]));
    over.set(session.sessionId, ended);
    await leave(session);
  }

  async function load(): Promise<void> {
    for await (const session of documents.sessions()) {
      if (session.status === 'submitted') over.set(session.sessionId, session);
      const baseMs = await store.get<number>(baseOf(session.sessionId));
      if (baseMs === undefined) continue;
      await resume(session, baseMs).catch((error) =>
        log.error({ err: error, enrollmentId: session.enrollmentId }, 'a session cannot be gone on with'),
      );
    }
  }

  /** What an enrollment without a session here has in the replica, of a session that is not over. */
  async function sessionElsewhere(
    enrollmentId: string,
  ): Promise<(CandidateWork & { session: ExamSession }) | undefined> {
    const { session, ...work } = await documents.read(enrollmentId);
    if (work.result || session?.status === 'submitted') throw submitted();
    return session && { ...work, session };
  }

  async function takeOver(
    session: ExamSession,
    work: CandidateWork,
    sessionId: string,
  ): Promise<LiveSitting> {
    const baseMs = clock.workingMs() - (work.sheet?.elapsedMs ?? 0);
    const sitting = await restore(work, { ...session, sessionId }, baseMs);
    const { enrollmentId, nodeId } = session;
    await logbook.append('session taken over', { enrollmentId, sessionId, from: nodeId });
    return settle({ ...sitting, isDirty: true });
  }

  function get(sessionId: string): LiveSitting {
    const found = live.get(sessionId);
    if (found) return found;
    if (over.has(sessionId)) throw submitted();
    throw new SyncError('not_found', 'no such session runs at this node');
  }

  await load();
  return {
    get,
    running: () => [...live.values()],
    ended: (sessionId) => over.get(sessionId),
    allEnded: () => [...over.values()],
    async begin(enrollment, sessionId, paper) {
      const at = { now: clock.now(), workingMs: clock.workingMs() };
      const sitting = beginSitting(enrollment, sessionId, paper, signer(), at);
      const { enrollmentId, testId } = enrollment;
      // Logged first: no session runs of which the log does not tell, whenever the node is killed.
      await logbook.append('session started', { enrollmentId, sessionId, testId });
      return settle(sitting);
    },
    async adopt(enrollmentId, sessionId) {
      if (over.has(sessionId)) throw submitted();
      // Under the id that it began with, whatever the access code is by now.
      const here = byEnrollment.get(enrollmentId);
      if (here) return here;
      const work = await sessionElsewhere(enrollmentId);
      return work && takeOver(work.session, work, sessionId);
    },
    async isRunning(enrollmentId, sessionId) {
      if (over.has(sessionId)) throw submitted();
      return byEnrollment.has(enrollmentId) || (await sessionElsewhere(enrollmentId)) !== undefined;
    },
    async submit(sessionId, by) {
      return over.get(sessionId) ?? end(get(sessionId), by);
    },
    async submitOverdue() {
      const workingMs = clock.workingMs();
      const overdue = [...live.values()].filter(({ sitting }) => remainingMs(sitting, workingMs) === 0);
      await Promise.all(overdue.map((sitting) => end(sitting, 'time')));
    },
    async flush() {
      await Promise.all([...live.values()].map((sitting) => sitting.flush()));
    },
    async flushNext(turns) {
      const count = Math.ceil(live.size / turns);
      const next = [...live.values()].slice(turn, turn + count);
      turn = next.length < count ? 0 : turn + count;
      await Promise.all(next.map((sitting) => sitting.flush()));
    },
    async changed(enrollmentId) {
      const here = byEnrollment.get(enrollmentId);
      if (here && (await here.refresh())) await leave(here.sitting.session);
    },
  };
}

/** What is asked of a session that is over. */
export function submitted(): SyncError {
  return new SyncError('session_submitted', 'this session is submitted; its answers are kept');
}

/** The record of a session that runs here: where in the node's working time its own began. */
function baseOf(sessionId: string): string {
  return `base/${sessionId}`;
}
