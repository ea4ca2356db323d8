import { expect, test } from 'vitest';
import type { Hub } from '../../server/hub.ts';
import { openImport } from './parts.ts';

const KE0005 = 'KE0005,KT270005,AST-P1,KAT-10,N9GB4KUT,enrolled,completed,2027-03-01T08:00:00Z,2';

test('an enrollment that moves leaves the old center, and the student with it', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  await parts.edit('enrollments.csv', 'KE0001,KT270001,AST-P1,KAT-1,', 'KE0001,KT270001,AST-P1,KAT-10,');
  const { counts } = await parts.importFiles();
  expect(counts).toMatchObject({ written: 2, deleted: 2, refused: 0 });
  expect(await parts.read('center-KAT-1:enrollment:KE0001')).toBeUndefined();
  expect(await parts.read('center-KAT-1:student:KT270001')).toBeUndefined();
  expect(await parts.read('center-KAT-10:enrollment:KE0001')).toMatchObject({ centerId: 'KAT-10' });
  expect(await parts.read('center-KAT-10:student:KT270001')).toMatchObject({ firstName: 'Amara' });

  await parts.edit('enrollments.csv', 'KE0001,KT270001,AST-P1,KAT-10,', 'KE0001,KT270001,AST-P1,KAT-1,');
  expect((await parts.importFiles()).counts).toMatchObject({ written: 2, deleted: 2 });
  expect(await parts.read('center-KAT-1:student:KT270001')).toMatchObject({ firstName: 'Amara' });
});

test('a student with another enrollment at the old center stays there too', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  await parts.edit('enrollments.csv', KE0005, KE0005.replace('KAT-10', 'KAT-1'));
  expect((await parts.importFiles()).counts).toMatchObject({ written: 2, deleted: 1 });
  expect(await parts.read('center-KAT-10:student:KT270005')).toBeDefined();
  expect(await parts.read('center-KAT-1:student:KT270005')).toBeDefined();
});

test.each([
  ['enrolled,completed', 'cancelled,refunded'],
  ['enrolled,completed', 'payment_pending,failed'],
  ['enrolled,completed', 'enrolled,refunded'],
])('a status change from %s to %s takes it out, and back in', async (paid, unpaid) => {
  await using parts = await openImport();
  await parts.importFiles();
  const changed = KE0005.replace(paid, unpaid);
  await parts.edit('enrollments.csv', KE0005, changed);
  expect((await parts.importFiles()).counts).toMatchObject({ written: 0, deleted: 1, refused: 0 });
  expect(await parts.read('center-KAT-10:enrollment:KE0005')).toBeUndefined();
  expect(await parts.read('center-KAT-10:student:KT270005')).toBeDefined();
  await parts.edit('enrollments.csv', changed, KE0005);
  expect((await parts.importFiles()).counts).toMatchObject({ written: 1, deleted: 0 });
  expect(await parts.read('center-KAT-10:enrollment:KE0005')).toMatchObject({ seat: 2 });
});

test('what a center wrote is not deleted with the enrollment', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const session = { _id: 'center-KAT-1:session:KE0001', type: 'session', enrollmentId: 'KE0001' };
  await parts.hub.write([session], { newEdits: true });
  await parts.edit('enrollments.csv', 'Q7MR2XKD,enrolled,completed', 'Q7MR2XKD,cancelled,refunded');
  await parts.importFiles();
  expect(await parts.read('center-KAT-1:enrollment:KE0001')).toBeUndefined();
  expect(await parts.read(session._id)).toMatchObject({ enrollmentId: 'KE0001' });
});

test('seat and attendance are the center’s until the authority gives another seat', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const id = 'center-KAT-10:enrollment:KE0005';
  const doc = await parts.hub.db.get(id);
  await parts.hub.db.put({ ...doc, seat: 17, attendance: 'present' });

  expect((await parts.importFiles()).counts.written).toBe(0);
  await parts.edit('enrollments.csv', KE0005, KE0005.replace('08:00', '09:00'));
  expect((await parts.importFiles()).counts.written).toBe(1);
  const rescheduled = { seat: 17, attendance: 'present', scheduledAt: '2027-03-01T09:00:00Z' };
  expect(await parts.read(id)).toMatchObject(rescheduled);

  await parts.edit('enrollments.csv', '2027-03-01T09:00:00Z,2', '2027-03-01T09:00:00Z,5');
  await parts.importFiles();
  expect(await parts.read(id)).toMatchObject({ seat: 5, attendance: 'present' });
});

test('two enrollments exchange their access codes in one file', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  await parts.edit('enrollments.csv', 'Q7MR2XKD', 'swapping');
  await parts.edit('enrollments.csv', 'W3HT9BNA', 'Q7MR2XKD');
  await parts.edit('enrollments.csv', 'swapping', 'W3HT9BNA');
  const { counts, faults } = await parts.importFiles();
  expect(faults).toEqual([]);
  expect(counts.written).toBe(2);
  expect(await parts.read('center-KAT-1:enrollment:KE0001')).toMatchObject({ accessCode: 'W3HT9BNA' });
  expect(await parts.read('center-KAT-1:enrollment:KE0002')).toMatchObject({ accessCode: 'Q7MR2XKD' });
});

test('a deleted enrollment in conflict does not come back with its losing revision', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const id = 'center-KAT-10:enrollment:KE0005';
  const doc = await parts.hub.db.get(id);
  for (const hash of ['1'.repeat(32), '2'.repeat(32)]) {
    const branch = { ...doc, seat: Number(hash[0]), _rev: `2-${hash}` };
    const ids = [hash, String(doc._rev).slice(2)];
    await parts.hub.write([{ ...branch, _revisions: { start: 2, ids } }], { newEdits: false });
  }
  await parts.edit('enrollments.csv', 'N9GB4KUT,enrolled,completed', 'N9GB4KUT,cancelled,refunded');
  await parts.importFiles();
  expect(await parts.read(id)).toBeUndefined();
});

test('a process that ended between hub and registry left nothing that the next import forgets', async () => {
  await using parts = await openImport();
  await parts.edit('enrollments.csv', 'KE0001,KT270001,AST-P1,KAT-1,', 'KE0001,KT270001,AST-P1,KAT-10,');
  const isEnrollment = (doc: { type?: string }) => doc.type === 'enrollment';
  const hub: Hub = {
    ...parts.hub,
    async write(docs, options) {
      const outcomes = await parts.hub.write(docs, options);
      if (docs.some(isEnrollment)) throw new Error('the process ended');
      return outcomes;
    },
  };
  await expect(parts.importFiles(undefined, { hub })).rejects.toThrow('the process ended');
  expect(await parts.read('center-KAT-10:enrollment:KE0001')).toBeDefined();

  await parts.edit('enrollments.csv', 'KE0001,KT270001,AST-P1,KAT-10,', 'KE0001,KT270001,AST-P1,KAT-1,');
  await parts.importFiles();
  expect(await parts.read('center-KAT-10:enrollment:KE0001')).toBeUndefined();
  expect(await parts.read('center-KAT-10:student:KT270001')).toBeUndefined();
  expect(await parts.read('center-KAT-1:enrollment:KE0001')).toBeDefined();
});
