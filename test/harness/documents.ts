import { createHash } from 'node:crypto';
import type { StoredDocument } from '../../replication/documents.ts';
import { COMMON_PARTITION, centerPartition, formatId, testPartition } from '../../replication/ids.ts';

/**
 * Valid documents of each type, as an exam authority's exports would give them. A number makes all of a document's
 * content, the same each time, and as various as real ones are, so that they compress no better.
 */

const FIRST_NAMES =
  'Yetúnde Chukwuemeka Aïssata Fatima Kwame Ngozi Tariro Samuel Zanele Ìbùkún Rahel Musa'.split(' ');
const MIDDLE_NAMES = 'Ọláìyá Grace Abdul Nneka Tendai Blessing Yaw Ruth Kofi Amara Hassan Lindiwe'.split(' ');
const LAST_NAMES =
  'O’Brien Okonkwo Diallo Mensah Ndlovu Abara Fashola-Bello Tesfaye Obi Kamau Traoré Eze'.split(' ');
const WORDS =
  `which what when of the a in to and is was by river metal treaty planet organ number angle cell law poem
  painter capital currency first largest oldest invented discovered measured signed written found named known century
  ocean mountain acid salt force energy light sound wave plant animal king minister council language symbol
  instrument unit element temperature pressure distance speed blood bone leaf root seed`.split(/\s+/);

/** Choices that a number makes, always the same. */
function choices(kind: string, n: number) {
  const bytes = createHash('sha512').update(`${kind}${n}`).digest();
  let at = 0;
  const next = () => bytes[at++ % bytes.length] as number;
  return {
    of: <Item>(list: readonly Item[]): Item => list[next() % list.length] as Item,
    digits: (count: number) => Array.from({ length: count }, () => next() % 10).join(''),
    code: (count: number) => Array.from({ length: count }, () => CODE[next() % CODE.length]).join(''),
    words: (count: number) => Array.from({ length: count }, () => WORDS[next() % WORDS.length]).join(' '),
  };
}

const CODE = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';

const EXAM_START = '2026-12-07T08:00:00.000Z';
const EXAM_END = '2026-12-07T11:00:00.000Z';

const padded = (n: number) => String(n).padStart(6, '0');

export function subjectDocument(subjectCode: string): StoredDocument {
  const _id = formatId(COMMON_PARTITION, 'subject', subjectCode);
  return { _id, type: 'subject', subjectCode, name: `Subject ${subjectCode}` };
}

export function centerDocument(centerId: string): StoredDocument {
  const _id = formatId(centerPartition(centerId), 'center', centerId);
  return {
    _id,
    type: 'center',
    centerId,
    name: `Center ${centerId}`,
    town: 'Ikeja',
    state: 'Lagos',
    seats: 250,
  };
}

export function assignmentDocument(testId: string, centerId: string): StoredDocument {
  const _id = formatId(centerPartition(centerId), 'assignment', testId);
  return { _id, type: 'assignment', centerId, testId, status: 'assigned', assignedAt: EXAM_START };
}

export function testDocument(testId: string, questionCount = 10): StoredDocument {
  return {
    _id: formatId(testPartition(testId), 'test', testId),
    type: 'test',
    testId,
    title: `Paper ${testId}`,
    subjectCode: 'SCI',
    durationMinutes: 60,
    questionCount,
    passingScorePercent: 50,
    startsAt: EXAM_START,
    endsAt: EXAM_END,
    status: 'published',
  };
}

export function questionDocument(testId: string, position: number): StoredDocument {
  const questionId = `${testId}-${padded(position)}`;
  const made = choices(`question ${testId}`, position);
  return {
    _id: formatId(testPartition(testId), 'question', questionId),
    type: 'question',
    testId,
    questionId,
    subjectCode: 'SCI',
    position,
    text: `${made.words(14)}?`,
    options: { A: made.words(2), B: made.words(2), C: made.words(2), D: made.words(2) },
    correctOption: made.of(['A', 'B', 'C', 'D']),
    difficulty: made.of(['easy', 'medium', 'hard']),
    points: 1,
  };
}

/** A test and its questions. */
export function wholeTest(testId: string, questionCount: number): StoredDocument[] {
  const questions = Array.from({ length: questionCount }, (_, index) => questionDocument(testId, index + 1));
  return [testDocument(testId, questionCount), ...questions];
}

export function studentDocument(centerId: string, n: number): StoredDocument {
  const registrationNumber = `2026${padded(n)}`;
  const made = choices('student', n);
  const [firstName, lastName] = [made.of(FIRST_NAMES), made.of(LAST_NAMES)];
  return {
    _id: formatId(centerPartition(centerId), 'student', registrationNumber),
    type: 'student',
    registrationNumber,
    firstName,
    middleName: made.of(MIDDLE_NAMES),
    lastName,
    email: `${firstName}.${lastName}.${n}@example.org`.toLowerCase(),
    phone: `+23480${made.digits(8)}`,
    dateOfBirth: `200${made.digits(1)}-0${1 + (n % 9)}-1${made.digits(1)}`,
    sex: made.of(['F', 'M']),
  };
}

export function enrollmentDocument(centerId: string, testId: string, n: number): StoredDocument {
  const enrollmentId = `E${padded(n)}`;
  return {
    _id: formatId(centerPartition(centerId), 'enrollment', enrollmentId),
    type: 'enrollment',
    enrollmentId,
    registrationNumber: `2026${padded(n)}`,
    testId,
    centerId,
    accessCode: choices('enrollment', n).code(8),
    enrollmentStatus: 'enrolled',
    paymentStatus: 'completed',
    scheduledAt: EXAM_START,
    seat: n,
  };
}

/** An answer sheet; 60 questions make about 5 KB. */
export function answersDocument(centerId: string, testId: string, n: number, questions = 10): StoredDocument {
  const answers: Record<string, object> = {};
  for (let position = 1; position <= questions; position += 1) {
    const made = choices(`answers ${n}`, position);
    const at = `2026-12-07T08:${String(position % 60).padStart(2, '0')}:0${made.digits(1)}.${made.digits(3)}Z`;
    answers[`${testId}-${padded(position)}`] = { at, choice: made.of(['A', 'B', 'C', 'D']), n: position };
  }
  const _id = formatId(centerPartition(centerId), 'answers', `E${padded(n)}`);
  return { _id, type: 'answers', enrollmentId: `E${padded(n)}`, testId, answers };
}

export function sessionDocument(centerId: string, testId: string, n: number): StoredDocument {
  const enrollmentId = `E${padded(n)}`;
  const _id = formatId(centerPartition(centerId), 'session', enrollmentId);
  return { _id, type: 'session', enrollmentId, testId, status: 'running', startedAt: EXAM_START };
}

export function resultDocument(centerId: string, testId: string, n: number): StoredDocument {
  const enrollmentId = `E${padded(n)}`;
  const _id = formatId(centerPartition(centerId), 'result', enrollmentId);
  return { _id, type: 'result', enrollmentId, testId, score: n % 61, submittedAt: EXAM_END };
}

/** A center's own share: the center, and `count` candidates, each a student and an enrollment. */
export function centerShare(centerId: string, testId: string, count: number, from = 1): StoredDocument[] {
  const docs = [centerDocument(centerId)];
  for (let n = from; n < from + count; n += 1) {
    docs.push(studentDocument(centerId, n), enrollmentDocument(centerId, testId, n));
  }
  return docs;
}
