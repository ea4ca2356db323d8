import type { Answer } from '../../replication/answer-sheet.ts';
import { canonicalJson } from '../../replication/canonical.ts';
import { SyncError } from '../../replication/errors.ts';
import type { ExamSession, SubmittedBy } from '../../replication/exam-documents.ts';
import { hashAnswers } from '../../replication/scoring.ts';
import type { ExamParts } from './exam.ts';
import {
  answerOf,
  joinAnswers,
  judgeSave,
  resultOf,
  type SaveOutcome,
  type Sitting,
  submittedSession,
} from './sitting.ts';
import { allWritten, type WorkDocuments } from './work-documents.ts';

/** A session that runs at this node. */
export interface LiveSitting {
  readonly sitting: Sitting;
  /** On the disk when it resolves. @throws SyncError session_submitted, insufficient_storage. */
  save(questionId: string, choice: string | null, n: number): Promise<SaveOutcome>;
  /** Writes the session with so many minutes more; this node is the one where it runs then. @returns false: it is over. */
  extend(minutes: number): Promise<boolean>;
  /** Writes the answer sheet into the replica if it lacks something. */
  flush(): Promise<void>;
  /** Ends the session. Called again meanwhile, it is the same end. @returns the session as it was ended. */
  submit(by: SubmittedBy): Promise<ExamSession>;
  /** Takes in what others have written. @returns whether another node has taken the session over. */
  refresh(): Promise<boolean>;
}

/** How often a write is repeated on the newest revisions. */
const TRIES = 5;

export function createLiveSitting(
  { store, logbook, clock, signer }: ExamParts,
  documents: WorkDocuments,
  sitting: Sitting,
): LiveSitting {
  const { sessionId, enrollmentId } = sitting.session;
  const saving = new Map<string, { choice: string | null; saved: Promise<void> }>();
  let submission: Promise<ExamSession> | undefined;
  let isOver = false;
  let last: Promise<unknown> = Promise.resolve();

  /** One write of the session's documents after the other: each is made on the revision that the one before left. */
  function inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  const elapsedMs = () => Math.round(clock.workingMs() - sitting.baseMs);

  async function keep(questionId: string, answer: Answer): Promise<void> {
    await store.write([[`${answersOf(sessionId)}${questionId}/${answer.n}`, answer]]);
    // A later save may have been faster.
    if ((answerOf(sitting.sheet.answers, questionId)?.n ?? 0) < (answer.n ?? 0)) {
      sitting.sheet.answers = { ...sitting.sheet.answers, [questionId]: answer };
    }
    sitting.isDirty = true;
  }

  /** Reads both documents again, and keeps whatever of the answers is the later. */
  async function reread(): Promise<void> {
    const { session, sheet } = await documents.read(enrollmentId);
    if (session && session._rev !== sitting.session._rev) {
      const extraMinutes = Math.max(session.extraMinutes, sitting.session.extraMinutes);
      sitting.session = { ...session, sessionId, status: 'running', extraMinutes };
    }
    if (sheet && sheet._rev !== sitting.sheet._rev) {
      const answers = joinAnswers(sheet.answers, sitting.sheet.answers);
      sitting.isDirty ||= canonicalJson(answers) !== canonicalJson(sheet.answers);
      sitting.sheet = { ...sheet, sessionId, answers };
    }
  }

  /** Writes documents of the session, again on the newest revisions when others were faster. */
  async function write(docsOf: () => (Sitting['session'] | Sitting['sheet'])[]): Promise<void> {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const docs = docsOf();
      const outcomes = await documents.write(docs as never);
      for (const outcome of outcomes) {
        if (!('ok' in outcome)) continue;
        for (const doc of [sitting.session, sitting.sheet])
          if (doc._id === outcome.id) doc._rev = outcome.rev;
      }
      if (allWritten(outcomes)) return;
      await reread();
    }
    throw new SyncError(
      'conflict',
      `the documents of ${enrollmentId} change faster than they can be written`,
    );
  }

  async function writeSheet(): Promise<void> {
    sitting.isDirty = false;
    const { nodeId, keyId } = signer();
    try {
      await write(() => [{ ...sitting.sheet, nodeId, keyId, elapsedMs: elapsedMs() }]);
    } catch (error) {
      sitting.isDirty = true;
      throw error;
    }
  }

  async function flush(): Promise<void> {
    if (sitting.isDirty) await writeSheet();
  }

  /** The result is written before the session says that it is over: what is over has a result, whatever happens. */
  async function submitOnce(by: SubmittedBy): Promise<ExamSession> {
    // What is being saved now is acknowledged or refused first.
    await Promise.allSettled([...saving.values()].map(({ saved }) => saved));
    await writeSheet();
    const now = clock.now();
    const answersHash = hashAnswers(sitting.sheet.answers);
    const { n, hash } = await logbook.append('submitted', { enrollmentId, sessionId, by, answersHash });
    const result = resultOf(sitting, signer(), { by, now, logHead: { n, hash } });
    await documents.writeResult(result);
    await write(() => [submittedSession(sitting.session, result)]);
    isOver = true;
    return submittedSession(sitting.session, result);
  }

  return {
    sitting,
    async save(questionId, choice, n) {
      if (submission) throw new SyncError('session_submitted', 'this session is submitted');
      const outcome = judgeSave(sitting, questionId, choice, n);
      if (outcome !== 'saved') return outcome;
      const key = `${questionId}/${n}`;
      const same = saving.get(key);
      if (same && same.choice !== choice) throw new SyncError('conflict', `n: ${n} is being used already`);
      const saved =
        same?.saved ??
        // The fields in order: a sheet is hashed at every turn of its way, and what is in order is hashed as it is.
        keep(questionId, { at: clock.now().toISOString(), choice, n }).finally(() => saving.delete(key));
      if (!same) saving.set(key, { choice, saved });
      await saved;
      return same ? 'repeated' : 'saved';
    },
    extend: (minutes) =>
      inOrder(async () => {
        // Written now, the session would run again.
        if (isOver) return false;
        const extraMinutes = sitting.session.extraMinutes + minutes;
        const { nodeId, keyId } = signer();
        await write(() => [{ ...sitting.session, nodeId, keyId, extraMinutes }]);
        Object.assign(sitting.session, { nodeId, keyId, extraMinutes });
        return true;
      }),
    flush: () => inOrder(flush),
    submit(by) {
      submission ??= inOrder(() => submitOnce(by)).catch((error) => {
        submission = undefined;
        throw error;
      });
      return submission;
    },
    refresh: () =>
      inOrder(async () => {
        const before = sitting.session._rev;
        await reread();
        const { nodeId, _rev } = sitting.session;
        if (_rev === before || nodeId === signer().nodeId || !before) return false;
        if (!(await documents.descends(sitting.session._id, before))) return false;
        await flush();
        return true;
      }),
  };
}

/** The records of a session's answers in the exam's store. */
export function answersOf(sessionId: string): string {
  return `answer/${sessionId}/`;
}
