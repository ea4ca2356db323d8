import { z } from 'zod';
import { isObject } from './json.ts';

/** One answer: the option chosen (`null` clears it), `n`, the count of the session's saves, and when. */
export interface Answer {
  choice: string | null;
  n?: number;
  at?: string;
}

const TIMESTAMP = z.regexes.datetime({});

const ANSWER_FIELDS: { [Field in keyof Answer]-?: (value: unknown) => string | undefined } = {
  choice: (value) => (typeof value === 'string' || value === null ? undefined : 'is not text or null'),
  n: (value) =>
    value === undefined || (Number.isInteger(value) && Number(value) >= 0)
      ? undefined
      : 'is not a whole number',
  at: (value) =>
    value === undefined || (typeof value === 'string' && TIMESTAMP.test(value))
      ? undefined
      : 'not an ISO 8601 UTC time',
};

/**
 * An answer sheet's map of answers by question. Checked by hand: centers send tens of thousands of sheets in an
 * evening, and a schema of records copies every answer that it looks at.
 */
export const answerMap = z
  .custom<Record<string, Answer>>(isObject, 'is not a map')
  .superRefine((answers, context) => {
    for (const [questionId, answer] of Object.entries(answers)) {
      if (!isObject(answer)) {
        context.addIssue({ code: 'custom', path: [questionId], message: 'is not an answer' });
        continue;
      }
      for (const [field, check] of Object.entries(ANSWER_FIELDS)) {
        const message = check(answer[field]);
        if (message) context.addIssue({ code: 'custom', path: [questionId, field], message });
      }
    }
  });
