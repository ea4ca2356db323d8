import type { StoredDocument } from '../../replication/documents.ts';
import { centerPartition, formatId, parseId, testPartition } from '../../replication/ids.ts';
import type { NodeProcess } from '../harness/node.ts';

interface AllDocs {
  rows: { id: string; doc: StoredDocument }[];
}

/** What a candidate left at a center. */
export interface Sitting {
  enrollmentId: string;
  answered: number;
  score: number;
  written: string[];
}

/**
 * The first candidate of a center sits the test, with nothing but the center's own replica: each question is
 * answered, and the answer sheet and the result are written there.
 */
export async function sitTest(node: NodeProcess, centerId: string): Promise<Sitting> {
  const enrollments = await readRange(node, `${centerPartition(centerId)}:enrollment:`);
  const enrollment = enrollments[0];
  if (!enrollment) throw new Error(`no candidate is enrolled at ${centerId}`);
  const testId = String(enrollment.testId);
  const questions = await readRange(node, `${testPartition(testId)}:question:`);
  const key = parseId(enrollment._id)?.key as string;
  const at = new Date().toISOString();
  // Every third one wrong, so that the score is one.
  const chosen = questions.map((question, index) => ({
    questionId: String(question.questionId),
    choice: index % 3 === 2 ? anotherOption(question) : String(question.correctOption),
    isCorrect: index % 3 !== 2,
  }));
  const score = chosen.filter(({ isCorrect }) => isCorrect).length;
  const common = { enrollmentId: key, testId };
  const answers = Object.fromEntries(
    chosen.map(({ questionId, choice }, index) => [questionId, { choice, n: index + 1, at }]),
  );
  const docs: StoredDocument[] = [
    { _id: formatId(centerPartition(centerId), 'answers', key), type: 'answers', ...common, answers },
    {
      _id: formatId(centerPartition(centerId), 'result', key),
      type: 'result',
      ...common,
      score,
      submittedAt: at,
    },
  ];
  for (const doc of docs) {
    await node.api.request('PUT', `/couch/replica/${encodeURIComponent(doc._id)}`, doc);
  }
  return { enrollmentId: key, answered: chosen.length, score, written: docs.map(({ _id }) => _id) };
}

async function readRange(node: NodeProcess, prefix: string): Promise<StoredDocument[]> {
  const range = `startkey=${encodeURIComponent(JSON.stringify(prefix))}&endkey=${encodeURIComponent(JSON.stringify(`${prefix}\ufff0`))}`;
  const { rows } = await node.api.request<AllDocs>(
    'GET',
    `/couch/replica/_all_docs?include_docs=true&${range}`,
  );
  return rows.map(({ doc }) => doc);
}

function anotherOption({ options, correctOption }: StoredDocument): string {
  return Object.keys(options as object).find((option) => option !== correctOption) ?? String(correctOption);
}
