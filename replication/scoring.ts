import type { Answer } from './answer-sheet.ts';
import { canonicalHash } from './canonical.ts';

/** What scoring needs of a question document. */
export interface ScoredQuestion {
  questionId: string;
  correctOption: string;
  points: number;
}

/** How one question went; `choice` is null where none was made. */
export interface Outcome {
  choice: string | null;
  correct: boolean;
  points: number;
}

/** An answer sheet, scored: what the result document says of it. */
export interface Score {
  score: number;
  maximumScore: number;
  percent: number;
  passed: boolean;
  counts: { questions: number; answered: number; correct: number };
  outcomes: Record<string, Outcome>;
}

/** Scores a sheet against all questions of its test, by questionId. Answers to other questions count for nothing. */
export function scoreSheet(
  questions: readonly ScoredQuestion[],
  answers: Readonly<Record<string, Answer>>,
  passingScorePercent: number,
): Score {
  const sorted = [...questions].sort((a, b) => (a.questionId < b.questionId ? -1 : 1));
  const outcomes: Record<string, Outcome> = {};
  for (const { questionId, correctOption, points } of sorted) {
    const choice = Object.hasOwn(answers, questionId) ? (answers[questionId]?.choice ?? null) : null;
    const correct = choice === correctOption;
    outcomes[questionId] = { choice, correct, points: correct ? points : 0 };
  }
  const all = Object.values(outcomes);
  const score = all.reduce((sum, { points }) => sum + points, 0);
  const maximumScore = questions.reduce((sum, { points }) => sum + points, 0);
  const percent = maximumScore === 0 ? 0 : (100 * score) / maximumScore;
  return {
    score,
    maximumScore,
    percent,
    passed: percent >= passingScorePercent,
    counts: {
      questions: all.length,
      answered: all.filter(({ choice }) => choice !== null).length,
      correct: all.filter(({ correct }) => correct).length,
    },
    outcomes,
  };
}

/** The hash of an answer sheet's answers, as results and receipts name it. */
export function hashAnswers(answers: Readonly<Record<string, Answer>>): string {
  return canonicalHash(answers);
}
