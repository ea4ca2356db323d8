import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { StoredDocument } from '../../replication/documents.ts';
import { formatId, testPartition } from '../../replication/ids.ts';
import type { Database } from '../../replication/pouch.ts';

/** How a test is to be shown; absent settings are off. */
export interface TestSettings {
  shuffleQuestions?: boolean;
  shuffleAnswers?: boolean;
  calculator?: boolean;
}

export interface TestDocument extends StoredDocument {
  testId: string;
  title: string;
  subjectCode: string;
  durationMinutes: number;
  questionCount: number;
  passingScorePercent: number;
  startsAt: string;
  endsAt: string;
  instructions?: string;
  settings?: TestSettings;
}

export interface QuestionDocument extends StoredDocument {
  questionId: string;
  position: number;
  text: string;
  options: Record<string, string>;
  correctOption: string;
  points: number;
}

/** A test with all its questions, as the replica holds them. */
export interface Paper {
  test: TestDocument;
  /** In the order of their positions. */
  questions: QuestionDocument[];
}

export const presentedQuestion = z.object({
  questionId: z.string(),
  text: z.string(),
  points: z.number(),
  /** In the order they are shown; a choice is named by its `option`. */
  options: z.array(z.object({ option: z.string(), text: z.string() })),
});
/** A question as a candidate gets it: only what is named here, so never the correct option. */
export type PresentedQuestion = z.infer<typeof presentedQuestion>;

/** Reads a test and its questions; `undefined` when the replica has no such test. */
export async function readPaper(db: Database, testId: string): Promise<Paper | undefined> {
  const partition = testPartition(testId);
  const test = await db.get(formatId(partition, 'test', testId)).catch((error: { status?: number }) => {
    if (error.status !== 404) throw error;
    return undefined;
  });
  if (!test) return undefined;
  const range = { startkey: `${partition}:question:`, endkey: `${partition}:question;` };
  const { rows } = await db.allDocs({ ...range, include_docs: true });
  const questions = rows.map(({ doc }) => doc as unknown as QuestionDocument);
  questions.sort((a, b) => a.position - b.position || (a.questionId < b.questionId ? -1 : 1));
  return { test: test as unknown as TestDocument, questions };
}

/** The paper as one session sees it: its order follows from the session id, on every node and at every time. */
export function presentPaper({ test, questions }: Paper, sessionId: string): PresentedQuestion[] {
  const { shuffleQuestions, shuffleAnswers } = test.settings ?? {};
  const ordered = shuffleQuestions
    ? shuffled(questions, (question) => `${sessionId}:${question.questionId}`)
    : questions;
  return ordered.map(({ questionId, text, points, options }) => {
    const names = Object.keys(options).sort();
    const shown = shuffleAnswers
      ? shuffled(names, (option) => `${sessionId}:${questionId}:${option}`)
      : names;
    return {
      questionId,
      text,
      points,
      options: shown.map((option) => ({ option, text: options[option] as string })),
    };
  });
}

/** Orders by the hash of a seed for each item: as good as random, and the same wherever it is done. */
function shuffled<Item>(items: readonly Item[], seedOf: (item: Item) => string): Item[] {
  return items
    .map((item) => ({ item, hash: createHash('sha256').update(seedOf(item)).digest('hex') }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ item }) => item);
}
