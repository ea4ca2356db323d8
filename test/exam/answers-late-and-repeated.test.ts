import { expect, test } from 'vitest';
import { judgeSave, type Sitting } from '../../local-node/exam/sitting.ts';
import type { Answer } from '../../replication/answer-sheet.ts';

function sittingWith(answers: Record<string, Answer>): Sitting {
  const questions = ['Q1', 'Q2', 'constructor'].map((questionId) => ({
    questionId,
    options: { A: 'a', B: 'b' },
  }));
  return { sheet: { answers }, paper: { questions } } as unknown as Sitting;
}

const known = sittingWith({ Q1: { choice: 'A', n: 5 } });

test.each([
  ['a later number is saved', 'Q1', 'B', 6, 'saved'],
  ['the same save again is a repeat', 'Q1', 'A', 5, 'repeated'],
  ['an earlier number comes too late', 'Q1', 'B', 4, 'superseded'],
  ['numbers count per session, so another question may have a lower one', 'Q2', 'A', 1, 'saved'],
  ['a choice may be taken back', 'Q1', null, 7, 'saved'],
  ['a question may have a name that every object knows', 'constructor', 'A', 1, 'saved'],
] as const)('%s', (_what, questionId, choice, n, outcome) => {
  expect(judgeSave(known, questionId, choice, n)).toBe(outcome);
});

test.each([
  ['another choice under the same number', 'Q1', 'B', 5, 'conflict'],
  ['a question that is not in the test', 'Q9', 'A', 6, 'not_found'],
  ['an option that the question does not have', 'Q1', 'E', 6, 'bad_request'],
  ['an option named like a property', 'Q1', 'toString', 6, 'bad_request'],
] as const)('%s is refused', (_what, questionId, choice, n, code) => {
  expect(() => judgeSave(known, questionId, choice, n)).toThrow(expect.objectContaining({ code }));
});
