import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { bytesOf } from '../../replication/package/bytes.ts';
import { makeIdentity, recipientOf } from '../../replication/package/keys.ts';
import { makeKey, publicKeyOf } from '../../replication/signing.ts';
import { studentDocument } from '../harness/documents.ts';
import { createParcel, firstRevision, refusalOf } from './parcel.ts';

const docs = [firstRevision(studentDocument('LAG-001', 1))];
const parcel = await createParcel();

test('a package for another center is refused, though its id begins like this one’s', async () => {
  const file = await parcel.pack(docs, { manifest: { centerId: 'LAG-0011' } });
  expect(await refusalOf(parcel.unpack(file))).toBe(
    'package_misdirected: the package is for center LAG-0011, and this is LAG-001',
  );
});

test('a package that travels the other way is refused', async () => {
  const file = await parcel.pack(docs, { manifest: { kind: 'results' } });
  expect(await refusalOf(parcel.unpack(file))).toContain('package_misdirected: a results package is not for');
});

test('a package for another key is refused, and both keys are named', async () => {
  const other = recipientOf(makeIdentity());
  const refusal = await refusalOf(parcel.unpack(await parcel.pack(docs, { recipients: [other] })));
  expect(refusal).toMatch(/^package_misdirected: .*encrypted to/);
  expect(refusal).toContain(other);
  expect(refusal).toContain(parcel.recipient);
});

test('each of several receivers can read it', async () => {
  const other = makeIdentity();
  const recipients = [recipientOf(other), parcel.recipient];
  const file = await parcel.pack(docs, { recipients });
  expect(await parcel.unpack(file)).toEqual(docs);
  expect(await parcel.unpack(file, { identity: other, recipient: recipients[0] as string })).toEqual(docs);
});

test('a package of an unknown sender is refused, and so is one when no sender is known', async () => {
  const signing = makeKey();
  const file = await parcel.pack(docs, { signing });
  expect(await refusalOf(parcel.unpack(file))).toMatch(
    /^package_untrusted: .*not signed by a key known here/,
  );
  expect(await refusalOf(parcel.unpack(file, { trusted: [] }))).toMatch(/^package_untrusted: /);
  expect(await parcel.unpack(file, { trusted: [publicKeyOf(signing)] })).toEqual(docs);
});

test('a package from the future is refused, unless by what a clock may be wrong', async () => {
  const file = await parcel.pack(docs, { manifest: { madeAt: '2026-12-07T08:00:00.000Z' } });
  const readAt = (time: string) => parcel.unpack(file, { now: () => new Date(time) });
  expect(await refusalOf(readAt('2026-12-05T08:00:00.000Z'))).toMatch(
    /^package_out_of_order: the package is from the future/,
  );
  expect(await readAt('2026-12-06T09:00:00.000Z')).toEqual(docs);
});

test('what is no package is called that, and one of a newer format by its number', async () => {
  const text = (content: string) => refusalOf(parcel.unpack(new TextEncoder().encode(content)));
  expect(await text('')).toBe('not_a_package: the file is not a package');
  expect(await text('PK\u0003\u0004 a zip file\n')).toBe('not_a_package: the file is not a package');
  expect(await text('age-encryption.org/v1\n')).toBe('not_a_package: the file is not a package');
  expect(await text('cbtpkg/2 anything\n')).toContain('is of format 2; this reads up to 1');
  expect(await refusalOf(parcel.unpack(bytesOf(randomBytes(200_000))))).toBe(
    'not_a_package: the file is not a package',
  );
  expect(await refusalOf(parcel.unpack(new Uint8Array(200_000)))).toBe(
    'not_a_package: the file is not a package',
  );
});
