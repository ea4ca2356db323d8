import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { centerShare, wholeTest } from '../harness/documents.ts';
import { createParcel, firstRevision } from './parcel.ts';

test('a package of 10,000 documents takes at most 1.05 times what zstd -3 makes of them', async () => {
  const parcel = await createParcel();
  const docs = [...centerShare('LAG-001', 'SCI', 4900), ...wholeTest('SCI', 198)].map(firstRevision);
  expect(docs).toHaveLength(10_000);
  const lines = docs.map((doc) => `${JSON.stringify(doc)}\n`).join('');
  const level3 = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
  const file = await parcel.pack(docs);
  expect(file.length / zstdCompressSync(lines, level3).length).toBeLessThanOrEqual(1.05);
  expect(await parcel.unpack(file)).toEqual(docs);
});
