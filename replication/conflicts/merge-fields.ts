import { isDeepStrictEqual } from 'node:util';
import { type Fields, fieldOf } from './content.ts';

/** One side of a merge. */
export interface Side {
  rev: string;
  fields: Fields;
}

/** The value of one field, of all sides, `undefined` where a side does not have it. */
export type FieldRule<Of extends Side = Side> = (sides: readonly Of[], name: string) => unknown;

/**
 * Merges sides field by field. One that differs from the base has changed a field; if all that did agree, theirs is the
 * value, else the first of them wins. Without a base every side that has a field has changed it. Fields with a rule go
 * by that alone.
 * @param sides in the order of who wins. @param base the fields of the common ancestor.
 */
export function mergeFields<Of extends Side>(
  sides: readonly Of[],
  base: Fields | undefined,
  rules: Readonly<Record<string, FieldRule<Of>>> = {},
): Fields {
  const names = new Set(sides.flatMap(({ fields }) => Object.keys(fields)));
  const merged: [string, unknown][] = [];
  for (const name of names) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    const value = rule ? rule(sides, name) : changedValue(sides, base, name);
    if (value !== undefined) merged.push([name, value]);
  }
  return Object.fromEntries(merged);
}

/** The value of the first side that has changed the field, else the one that all have. */
export function changedValue(sides: readonly Side[], base: Fields | undefined, name: string): unknown {
  const [first] = changers(sides, base, name);
  return fieldOf((first ?? (sides[0] as Side)).fields, name);
}

/** The sides that have changed a field since the base. */
export function changers<Of extends Side>(
  sides: readonly Of[],
  base: Fields | undefined,
  name: string,
): readonly Of[] {
  const before = base && fieldOf(base, name);
  return sides.filter(({ fields }) => !isDeepStrictEqual(fieldOf(fields, name), before));
}
