import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { studentDocument } from '../harness/documents.ts';
import { chunksOf, createParcel, firstRevision, refusalOf } from './parcel.ts';

/** So many are read at a time: most of it waits for the keys. */
const AT_ONCE = 8;
const DAMAGED = /^(package_damaged|not_a_package): /;

describe('a package of 2 KB', async () => {
  const parcel = await createParcel();
  const docs = [1, 2, 3, 4, 5].map((n) => firstRevision(studentDocument('LAG-001', n)));
  const file = await parcel.pack(docs);

  test('is read as it was written', async () => {
    expect(file.length).toBeGreaterThan(2000);
    expect(await parcel.unpack(file)).toEqual(docs);
  });

  test('is read from pieces of which some are empty', async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for await (const piece of chunksOf(file, 700)) yield* [new Uint8Array(), piece];
      yield new Uint8Array();
    }
    expect(await parcel.unpack(pieces())).toEqual(docs);
  });

  test('is refused with any single bit flipped', { timeout: 300_000 }, async () => {
    const accepted: number[] = [];
    const reasons = new Set<string>();
    const flip = async (byte: number, bit: number): Promise<void> => {
      const copy = file.slice();
      copy[byte] = (copy[byte] as number) ^ (1 << bit);
      const refusal = await refusalOf(parcel.unpack(copy));
      if (refusal === undefined) accepted.push(byte * 8 + bit);
      else reasons.add(refusal.slice(0, refusal.indexOf(':') + 2));
    };
    for (let byte = 0; byte < file.length; byte += 1) {
      await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((bit) => flip(byte, bit)));
    }
    expect(accepted).toEqual([]);
    expect([...reasons].every((reason) => DAMAGED.test(reason))).toBe(true);
  });

  test('is refused when it is cut short at any length, and says so', { timeout: 120_000 }, async () => {
    const accepted: number[] = [];
    for (let length = 0; length < file.length; length += 1) {
      const refusal = await refusalOf(parcel.unpack(file.slice(0, length)));
      if (refusal === undefined || !DAMAGED.test(refusal)) accepted.push(length);
    }
    expect(accepted).toEqual([]);
    expect(await refusalOf(parcel.unpack(file.slice(0, -1)))).toContain('cut short');
    expect(await refusalOf(parcel.unpack(file.slice(0, 1500)))).toContain('cut short');
  });

  test('is refused with anything added to its end', async () => {
    for (const length of [1, 15, 70_000]) {
      const copy = new Uint8Array(file.length + length);
      copy.set(file);
      copy.fill(7, file.length);
      expect(await refusalOf(parcel.unpack(copy))).toMatch(DAMAGED);
    }
    const twice = new Uint8Array(file.length * 2);
    twice.set(file);
    twice.set(file, file.length);
    expect(await refusalOf(parcel.unpack(twice))).toMatch(DAMAGED);
  });
});

describe('a package of 1 MB', async () => {
  const parcel = await createParcel();
  const data = randomBytes(1_000_000).toString('base64');
  const photo = { _attachments: { photo: { content_type: 'image/jpeg', data } } };
  const docs = [firstRevision({ ...studentDocument('LAG-001', 1), ...photo })];
  const file = await parcel.pack(docs);

  test('keeps its attachments', async () => {
    expect(file.length).toBeGreaterThan(1_000_000);
    expect(await parcel.unpack(file)).toEqual(docs);
  });

  test('is refused after each of 10,000 random corruptions', { timeout: 600_000 }, async () => {
    const corruption = fc.record({
      kind: fc.constantFrom('cut', 'left out', 'repeated', 'overwritten'),
      at: fc.integer({ min: 5000, max: file.length - 5000 }),
      length: fc.integer({ min: 1, max: 5000 }),
    } as const);
    const several = fc.array(corruption, { minLength: AT_ONCE, maxLength: AT_ONCE });
    const property = fc.asyncProperty(several, async (changes) => {
      const refusals = changes.map((change) => refusalOf(parcel.unpack(corrupt(file, change))));
      for (const refusal of await Promise.all(refusals)) expect(refusal).toMatch(DAMAGED);
    });
    await fc.assert(property, { numRuns: 10_000 / AT_ONCE, endOnFailure: true });
  });
});

interface Corruption {
  kind: 'cut' | 'left out' | 'repeated' | 'overwritten';
  at: number;
  length: number;
}

/** The corrupt file in pieces; what is not corrupt is not copied. */
async function* corrupt(file: Uint8Array, { kind, at, length }: Corruption): AsyncGenerator<Uint8Array> {
  yield file.subarray(0, at);
  if (kind === 'cut') return;
  if (kind === 'repeated') yield file.subarray(at - length, at);
  if (kind === 'overwritten') yield file.subarray(at, at + length).map((byte) => ~byte);
  yield file.subarray(kind === 'repeated' ? at : at + length);
}
