import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../replication/canonical.ts';

/** Names that JavaScript puts elsewhere than where they were put, or treats as no field. */
const name = fc.constantFrom('10', '2', '1', '01', 'b', 'a', 'é', 'B', '__proto__', 'constructor', 'toJSON');
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.jsonValue(), fc.array(tie('value')), tie('object')),
  object: fc.array(fc.tuple(name, tie('value'))).map((fields) => Object.fromEntries(fields)),
}));

test('a value is one text, in whatever order its fields came', () => {
  fc.assert(
    fc.property(value, fc.infiniteStream(fc.nat()), (one, numbers) => {
      const text = canonicalJson(one);
      expect(canonicalJson(shuffled(one, numbers))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(one)));
      expect(text).toBe(spelledOut(one));
    }),
    { numRuns: 2000 },
  );
});

function shuffled(one: unknown, numbers: Iterator<number>): unknown {
  if (Array.isArray(one)) return one.map((inner) => shuffled(inner, numbers));
  if (one === null || typeof one !== 'object') return one;
  const fields = Object.entries(one).map(([key, inner]): [number, string, unknown] => [
    Number(numbers.next().value),
    key,
    shuffled(inner, numbers),
  ]);
  return Object.fromEntries(fields.sort(([a], [b]) => a - b).map(([, key, inner]) => [key, inner]));
}

function spelledOut(one: unknown): string {
  if (Array.isArray(one)) return `[${one.map(spelledOut)}]`;
  if (one === null || typeof one !== 'object') return JSON.stringify(one);
  const keys = Object.keys(one).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${spelledOut(one[key as keyof typeof one])}`)}}`;
}
