import type { Answer } from '../../replication/answer-sheet.ts';
import { isObject } from '../../replication/json.ts';
import type { RecordType } from './records.ts';

/** What the sender of a record that conflicts may do. */
export interface Suggestion {
  /** `keep_theirs`: let the online version stand. `keep_yours`: send again on its revision. `merge`: send `record`. */
  action: 'keep_theirs' | 'keep_yours' | 'merge';
  reason: string;
  record?: Record<string, unknown>;
}

type Fields = Record<string, unknown>;

/** Pure. */
export function suggest(type: RecordType, yours: Fields, theirs: Fields): Suggestion {
  if (type === 'result' || type === 'log') {
    return { action: 'keep_theirs', reason: `a ${type} is written once and never changed` };
  }
  if (type === 'answers') {
    const record = { ...theirs, ...yours, answers: mergeAnswers(yours.answers, theirs.answers) };
    return { action: 'merge', reason: 'of each question the answer that was saved last', record };
  }
  if (type === 'enrollment') {
    return { action: 'keep_yours', reason: 'seat and attendance are the center’s' };
  }
  const isOver = (session: Fields) => session.status === 'submitted' || session.submittedAt !== undefined;
  if (isOver(theirs) && !isOver(yours)) {
    return { action: 'keep_theirs', reason: 'the session was submitted' };
  }
  return { action: 'keep_yours', reason: 'it is as far as the other or further' };
}

function mergeAnswers(yours: unknown, theirs: unknown): Record<string, unknown> {
  const [own, other] = [yours, theirs].map((answers) => (isObject(answers) ? answers : {})) as [
    Record<string, Answer>,
    Record<string, Answer>,
  ];
  const merged: Record<string, Answer> = { ...other };
  for (const [question, answer] of Object.entries(own)) {
    const rival = other[question];
    if (!isObject(answer)) continue;
    if (!isObject(rival) || isNewer(answer, rival)) merged[question] = answer;
  }
  return merged;
}

function isNewer(a: Answer, b: Answer): boolean {
  if (a.n !== undefined && b.n !== undefined && a.n !== b.n) return a.n > b.n;
  return (a.at ?? '') >= (b.at ?? '');
}
