import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../json.ts';
import { type Fields, fieldOf } from './content.ts';
import { compareRevs } from './leaves.ts';
import type { Side } from './merge-fields.ts';

/**
 * Merges answer sheets question by question, so that no answer of any side is absent unless a later one replaced it.
 * The higher `n` wins, then the later time. Where neither tells (another program's answers may have no `n`), one that
 * was changed since the base wins over one that was not, then the one of the lower revision.
 * @param sides all of which have a map of answers.
 */
export function mergeAnswers(sides: readonly Side[], base: Fields | undefined): Fields {
  const before = answersOf(base);
  const merged = new Map<string, Candidate>();
  for (const { rev, fields } of sides) {
    for (const [questionId, answer] of Object.entries(answersOf(fields))) {
      const candidate = { rev, answer };
      const best = merged.get(questionId);
      if (!best || wins(candidate, best, fieldOf(before, questionId))) merged.set(questionId, candidate);
    }
  }
  return Object.fromEntries(Array.from(merged, ([questionId, { answer }]) => [questionId, answer]));
}

/** An answer and the revision of the sheet it stands on. */
interface Candidate {
  rev: string;
  answer: unknown;
}

function wins(a: Candidate, b: Candidate, before: unknown): boolean {
  const byCount = countOf(a.answer) - countOf(b.answer);
  if (byCount !== 0) return byCount > 0;
  const byTime = compareTimes(a.answer, b.answer);
  if (byTime !== 0) return byTime > 0;
  if (areSame(a.answer, b.answer)) return false;
  if (isDeepStrictEqual(b.answer, before)) return true;
  if (isDeepStrictEqual(a.answer, before)) return false;
  return compareRevs(a.rev, b.rev) > 0;
}

function areSame(a: unknown, b: unknown): boolean {
  if (isObject(a) && isObject(b)) {
    const names = Object.keys(a);
    const hasSame = (name: string) => a[name] === b[name] && Object.hasOwn(b, name);
    if (names.length === Object.keys(b).length && names.every(hasSame)) return true;
  }
  return isDeepStrictEqual(a, b);
}

function answersOf(fields: Fields | undefined): Fields {
  return isObject(fields?.answers) ? fields.answers : {};
}

function countOf(answer: unknown): number {
  return isObject(answer) && typeof answer.n === 'number' ? answer.n : -1;
}

/** Nearly all answers of two sheets are the same: their times are not taken apart. */
function compareTimes(a: unknown, b: unknown): number {
  const [x, y] = [timeOf(a), timeOf(b)];
  return x === y ? 0 : millisecondsOf(x) - millisecondsOf(y);
}

function timeOf(answer: unknown): unknown {
  return isObject(answer) ? answer.at : undefined;
}

function millisecondsOf(time: unknown): number {
  const parsed = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? -1 : parsed;
}
