import type { StoredDocument } from '../../replication/documents.ts';
import type { ExamSession } from '../../replication/exam-documents.ts';
import { centerPartition, partitionOf, testOfPartition } from '../../replication/ids.ts';
import type { NodeParts } from '../node.ts';
import { unconfirmedResults } from '../standing.ts';
import { type CandidateName, documentsOf, type EnrollmentDocument } from './candidates.ts';
import type { Paper } from './paper.ts';
import { remainingMs, type Sitting } from './sitting.ts';

/** What keeps a test from being sat here, and how many of it there are. */
export const OBSTACLES = ['questions missing', 'no candidates', 'differs from the hub'] as const;
export interface Obstacle {
  what: (typeof OBSTACLES)[number];
  count: number;
}

/** A test that this center holds, and whether all that it needs is here. */
export interface HeldTest {
  testId: string;
  title: string;
  startsAt: string;
  endsAt: string;
  durationMinutes: number;
  questions: { here: number; needed: number };
  candidates: { total: number; admitted: number };
  obstacles: Obstacle[];
}

export const CANDIDATE_STATES = [
  'expected',
  'not admitted',
  'working',
  'working elsewhere',
  'submitted',
] as const;

/** A candidate of a test, as the operator sees one. */
export interface RosterEntry extends CandidateName {
  enrollmentId: string;
  registrationNumber: string;
  state: (typeof CANDIDATE_STATES)[number];
  /** Why not admitted: the payment, else the enrollment. */
  because?: string;
  sessionId?: string;
  answered?: number;
  questions?: number;
  remainingMs?: number;
  extraMinutes?: number;
  submittedAt?: string;
  submittedBy?: string;
  /** Whether the hub has confirmed the result; absent while there is none. */
  isConfirmed?: boolean;
}

/** The tests assigned to this center that are not over yet, those that end first first. */
export async function readHeldTests(parts: NodeParts): Promise<HeldTest[]> {
  const { replica, exam, centerId } = parts;
  const own = centerPartition(centerId);
  const enrolled = new Map<string, { total: number; admitted: number }>();
  for await (const doc of documentsOf(replica, `${own}:enrollment`)) {
    const { testId } = doc as EnrollmentDocument;
    const counts = enrolled.get(testId) ?? { total: 0, admitted: 0 };
    enrolled.set(testId, counts);
    counts.total += 1;
    if (isAdmitted(doc)) counts.admitted += 1;
  }
  const tests: HeldTest[] = [];
  for await (const { testId, status } of documentsOf(replica, `${own}:assignment`)) {
    if (status !== 'assigned') continue;
    const paper = await exam.papers.current(String(testId));
    const isOver = paper && Date.parse(paper.test.endsAt) <= exam.clock.now().getTime();
    if (!isOver) tests.push(heldTest(parts, String(testId), paper, enrolled.get(String(testId))));
  }
  return tests.sort((a, b) => (a.endsAt < b.endsAt ? -1 : 1));
}

function heldTest(
  parts: NodeParts,
  testId: string,
  paper: Paper | undefined,
  candidates = { total: 0, admitted: 0 },
): HeldTest {
  const {
    title = testId,
    startsAt = '',
    endsAt = '',
    durationMinutes = 0,
    questionCount = 1,
  } = paper?.test ?? {};
  const questions = { here: paper?.questions.length ?? 0, needed: questionCount };
  const test = { testId, title, startsAt, endsAt, durationMinutes, questions, candidates };
  return { ...test, obstacles: obstaclesOf(parts, test) };
}

function obstaclesOf(
  { differences, centerId }: NodeParts,
  { testId, questions, candidates }: Omit<HeldTest, 'obstacles'>,
): Obstacle[] {
  const own = centerPartition(centerId);
  const differing = differences.list().filter(({ id }) => {
    const partition = partitionOf(id);
    return partition === own || testOfPartition(partition) === testId;
  });
  const found: Obstacle[] = [
    { what: 'questions missing', count: Math.max(0, questions.needed - questions.here) },
    { what: 'no candidates', count: candidates.total === 0 ? 1 : 0 },
    { what: 'differs from the hub', count: differing.length },
  ];
  return found.filter(({ count }) => count > 0);
}

/** The candidates of a test by seat, then by number. */
export async function readRoster(parts: NodeParts, testId: string): Promise<RosterEntry[]> {
  const { replica, centerId, exam, results } = parts;
  const unconfirmed = unconfirmedResults(parts);
  const standing = standings(parts);
  const entries: RosterEntry[] = [];
  for await (const doc of documentsOf(replica, `${centerPartition(centerId)}:enrollment`)) {
    const enrollment = doc as EnrollmentDocument;
    if (enrollment.testId !== testId) continue;
    const { enrollmentId, registrationNumber, seat } = enrollment;
    entries.push({
      enrollmentId,
      registrationNumber,
      ...(await exam.candidateOf(enrollment)),
      ...(seat !== undefined && { seat }),
      ...standing(enrollment),
      ...(results.hasResult(enrollmentId) && { isConfirmed: !unconfirmed.has(enrollmentId) }),
    });
  }
  const order = ({ seat = Number.MAX_SAFE_INTEGER }: RosterEntry) => seat;
  return entries.sort(
    (a, b) => order(a) - order(b) || (a.registrationNumber < b.registrationNumber ? -1 : 1),
  );
}

type Standing = Omit<RosterEntry, 'enrollmentId' | 'registrationNumber'>;

/** How far each candidate has come, here or at another node. */
function standings({ exam, results }: NodeParts): (enrollment: EnrollmentDocument) => Standing {
  const { sittings, clock } = exam;
  const workingMs = clock.workingMs();
  const here = new Map(sittings.running().map(({ sitting }) => [sitting.session.enrollmentId, sitting]));
  const ended = new Map(sittings.allEnded().map((session) => [session.enrollmentId, session]));
  const elsewhere = new Map([...results.sessions()].map((session) => [session.enrollmentId, session]));
  return (enrollment) => {
    const { enrollmentId, paymentStatus, enrollmentStatus } = enrollment;
    const sitting = here.get(enrollmentId);
    if (sitting) return { ...workOf(sitting), remainingMs: remainingMs(sitting, workingMs) };
    const over = ended.get(enrollmentId);
    if (over) return endOf(over);
    if (results.isFinished(enrollmentId)) return { state: 'submitted' };
    if (elsewhere.get(enrollmentId)?.isRunning) return { state: 'working elsewhere' };
    if (isAdmitted(enrollment)) return { state: 'expected' };
    const because = paymentStatus === 'completed' ? enrollmentStatus : `payment ${paymentStatus}`;
    return { state: 'not admitted', because };
  };
}

function workOf({ session, sheet, paper }: Sitting): Standing {
  return {
    state: 'working',
    sessionId: session.sessionId,
    answered: Object.values(sheet.answers).filter(({ choice }) => choice !== null).length,
    questions: paper.questions.length,
    extraMinutes: session.extraMinutes,
  };
}

function endOf({ submittedAt, submittedBy, extraMinutes }: ExamSession): Standing {
  return {
    state: 'submitted',
    extraMinutes,
    ...(submittedAt !== undefined && { submittedAt }),
    ...(submittedBy !== undefined && { submittedBy }),
  };
}

function isAdmitted({ paymentStatus, enrollmentStatus }: StoredDocument): boolean {
  return paymentStatus === 'completed' && enrollmentStatus === 'enrolled';
}
