import { SyncError } from '../../replication/errors.ts';
import { centerPartition, formatId } from '../../replication/ids.ts';
import type { Replica } from '../replica.ts';
import { refusalToBegin, sessionIdOf } from './admission.ts';
import { type Candidates, type EnrollmentDocument, read } from './candidates.ts';
import type { ExamParts } from './exam.ts';
import type { LiveSitting } from './live-sitting.ts';
import type { Paper } from './paper.ts';
import type { Papers } from './papers.ts';
import type { Sittings } from './sittings.ts';

/** How a request for a session went. */
export interface EnteredSession {
  sitting: LiveSitting;
  /** False: the session ran already and is gone on with. */
  isNew: boolean;
}

/** A candidate who may begin, or go on; nothing has begun yet. */
export interface Admission {
  enrollment: EnrollmentDocument;
  paper: Paper;
  isRunning: boolean;
}

/** The door of the exam: who comes in by an access code. */
export interface Entrance {
  /** Whom the code admits to what. @throws SyncError that says plainly why not. */
  admit(accessCode: string): Promise<Admission>;
  /** Begins a candidate's session, or goes on with it. @throws SyncError as `admit` does. */
  enter(accessCode: string): Promise<EnteredSession>;
}

export function createEntrance(
  { replica, logbook, clock, signer }: ExamParts,
  { papers, sittings, candidates }: { papers: Papers; sittings: Sittings; candidates: Candidates },
): Entrance {
  const entering = new Map<string, Promise<EnteredSession>>();

  /** The paper of a session that is to begin. */
  async function paperFor(enrollment: EnrollmentDocument): Promise<Paper> {
    const { testId } = enrollment;
    const paper = await papers.current(testId);
    const isHere = await isAssigned(replica, signer().centerId, testId);
    const refusal = refusalToBegin(enrollment, paper, isHere, clock.now());
    if (refusal || !paper) throw refusal;
    return paper;
  }

  async function enterOnce(accessCode: string): Promise<EnteredSession> {
    const enrollment = await findCandidate(candidates, accessCode);
    const { enrollmentId } = enrollment;
    const sessionId = sessionIdOf(enrollment);
    const known = await sittings.adopt(enrollmentId, sessionId);
    if (known) {
      const { session } = known.sitting;
      await logbook.append('session resumed', { enrollmentId, sessionId: session.sessionId });
      return { sitting: known, isNew: false };
    }
    const paper = await paperFor(enrollment);
    return { sitting: await sittings.begin(enrollment, sessionId, paper), isNew: true };
  }

  return {
    async admit(accessCode) {
      await candidates.catchUp();
      const enrollment = await findCandidate(candidates, accessCode);
      const { enrollmentId, testId } = enrollment;
      const isRunning = await sittings.isRunning(enrollmentId, sessionIdOf(enrollment));
      const kept = isRunning ? ((await papers.kept(testId)) ?? (await papers.current(testId))) : undefined;
      return { enrollment, paper: kept ?? (await paperFor(enrollment)), isRunning };
    },
    async enter(accessCode) {
      await candidates.catchUp();
      // Two machines, or two clicks, at the same moment begin one session.
      const running = entering.get(accessCode);
      if (running) return { ...(await running), isNew: false };
      const entrance = enterOnce(accessCode).finally(() => entering.delete(accessCode));
      entering.set(accessCode, entrance);
      return entrance;
    },
  };
}

async function findCandidate(candidates: Candidates, accessCode: string): Promise<EnrollmentDocument> {
  const enrollment = await candidates.find(accessCode);
  if (!enrollment) throw new SyncError('not_found', 'no candidate at this center has this access code');
  return enrollment;
}

export async function isAssigned(replica: Replica, centerId: string, testId: string): Promise<boolean> {
  const assignment = await read(replica, formatId(centerPartition(centerId), 'assignment', testId));
  return assignment?.status === 'assigned';
}
