import { expect, test } from 'vitest';
import { HAS_SHARED_DATA, openImport, SHARED_DATA } from './parts.ts';

test('a clean export goes in whole, to where it belongs', async () => {
  await using parts = await openImport();
  const { counts, faults } = await parts.importFiles();
  expect(faults).toEqual([]);
  expect(counts).toMatchObject({ lines: 62, unchanged: 0, deleted: 0, refused: 0 });
  const ids = await parts.ids();
  expect(counts.written).toBe(ids.length);
  const ofType = (type: string) => ids.filter((id) => id.split(':')[1] === type);
  expect(ofType('question')).toHaveLength(18);
  expect(ofType('assignment')).toEqual([
    'center-KAT-10:assignment:AST-P1',
    'center-KAT-10:assignment:MUS-P1',
    'center-KAT-1:assignment:AST-P1',
  ]);
  expect(ofType('enrollment')).toHaveLength(8);
  expect(ofType('student').filter((id) => id.startsWith('center-KAT-1:'))).toHaveLength(3);
  expect(ids).not.toContain('center-KAT-1:enrollment:KE0009');
  expect(ids).not.toContain('center-KAT-1:student:KT270008');
});

test('cells become fields: camelCase, numbers, options as a map, empty ones absent', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  expect(await parts.read('center-KAT-10:student:KT270006')).toMatchObject({ lastName: 'Lindqvist' });
  expect(await parts.read('center-KAT-10:student:KT270006')).not.toHaveProperty('phone');
  expect(await parts.read('center-KAT-1:enrollment:KE0002')).toMatchObject({
    seat: 2,
    accessCode: 'W3HT9BNA',
  });
  expect(await parts.read('test-AST-P1:question:AST-002')).toMatchObject({
    position: 2,
    options: { A: 'True', B: 'False' },
    correctOption: 'B',
    points: 1,
  });
});

test('a second run writes no revision', async () => {
  await using parts = await openImport();
  const first = await parts.importFiles();
  const before = await parts.updateSeq();
  const second = await parts.importFiles();
  expect(await parts.updateSeq()).toBe(before);
  expect(second.counts).toMatchObject({
    written: 0,
    deleted: 0,
    refused: 0,
    unchanged: first.counts.written,
  });
});

test('a dry run writes nothing and says what would be written', async () => {
  await using parts = await openImport();
  const before = await parts.updateSeq();
  const dry = await parts.importFiles(undefined, { dry: true });
  expect(await parts.updateSeq()).toBe(before);
  const wet = await parts.importFiles();
  expect(dry.counts).toEqual(wet.counts);
});

test('an import that was cut off anywhere is made whole by the next one', async () => {
  await using whole = await openImport();
  await whole.importFiles();
  for (const batches of [1, 3, 6, 7, 8]) {
    await using parts = await openImport();
    await parts.importInterrupted([parts.folder], batches);
    await parts.importFiles();
    expect(await parts.ids()).toEqual(await whole.ids());
    const before = await parts.updateSeq();
    await parts.importFiles();
    expect(await parts.updateSeq()).toBe(before);
  }
});

test('what the hub lost comes back, though the registry remembers it', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  for (const id of [
    'center-KAT-1:enrollment:KE0001',
    'center-KAT-1:student:KT270001',
    'common:subject:AST',
  ]) {
    const doc = await parts.hub.db.get(id);
    await parts.hub.db.remove(doc);
  }
  const { counts } = await parts.importFiles();
  expect(counts.written).toBe(3);
  expect(await parts.read('center-KAT-1:student:KT270001')).toMatchObject({ firstName: 'Amara' });
});

test('only the enrollments of a new center are given: the students’ data is known from before', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const header =
    'enrollment_id,registration_number,test_id,center_id,access_code,enrollment_status,payment_status,scheduled_at,seat';
  const row = 'KE0100,KT270001,MUS-P1,KAT-10,AAAA1111,enrolled,completed,2027-03-02T08:00:00Z,9';
  await parts.importFiles([await parts.write('more.csv', `${header}\n${row}\n`)]);
  expect(await parts.read('center-KAT-10:student:KT270001')).toMatchObject({ firstName: 'Amara' });
  expect(await parts.read('center-KAT-1:student:KT270001')).toMatchObject({ firstName: 'Amara' });
});

test('a student’s changed data reaches every center of the student', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  await parts.edit('enrollments.csv', 'KE0006,KT270005,MUS-P1,KAT-10', 'KE0006,KT270005,MUS-P1,KAT-1');
  await parts.importFiles();
  await parts.edit('students.csv', 'Esi,Maame,Quartey', 'Esi,,Quartey-Boateng');
  const { counts } = await parts.importFiles();
  expect(counts.written).toBe(2);
  for (const center of ['KAT-1', 'KAT-10']) {
    const student = await parts.read(`center-${center}:student:KT270005`);
    expect(student).toMatchObject({ lastName: 'Quartey-Boateng' });
    expect(student).not.toHaveProperty('middleName');
  }
});

test('a corrected question is corrected in the published test', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  await parts.edit(
    'questions.csv',
    'How many semitones make an octave?',
    'How many semitones are in an octave?',
  );
  const { counts } = await parts.importFiles();
  expect(counts.written).toBe(1);
  expect(await parts.read('test-MUS-P1:question:MUS-005')).toMatchObject({
    text: 'How many semitones are in an octave?',
  });
});

test('publishing a test freezes its questions into it, in whatever order its files came', async () => {
  await using parts = await openImport();
  await parts.edit('tests.csv', '2027-03-02T10:00:00Z,published', '2027-03-02T10:00:00Z,draft');
  await parts.importFiles();
  expect((await parts.ids()).filter((id) => id.startsWith('test-MUS-P1:'))).toEqual([
    'test-MUS-P1:test:MUS-P1',
  ]);
  await parts.edit('tests.csv', '2027-03-02T10:00:00Z,draft', '2027-03-02T10:00:00Z,published');
  await parts.importFiles([`${parts.folder}/tests.csv`]);
  expect((await parts.ids()).filter((id) => id.startsWith('test-MUS-P1:question:'))).toHaveLength(8);
});

test('a test that was withdrawn stays withdrawn when the same assignments are imported again', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const id = 'center-KAT-10:assignment:MUS-P1';
  const assigned = await parts.hub.db.get(id);
  await parts.hub.db.put({ ...assigned, status: 'withdrawn', withdrawnAt: '2027-01-01T00:00:00Z' });
  const { counts } = await parts.importFiles();
  expect(counts.written).toBe(0);
  expect(await parts.read(id)).toMatchObject({ status: 'withdrawn' });
});

if (HAS_SHARED_DATA) {
  test('the large sample goes in whole, and a second time not at all', async () => {
    await using parts = await openImport();
    const files = ['centers', 'subjects', 'tests', 'questions', 'test-questions', 'test-centers', 'students'];
    const paths = [...files, 'enrollments'].map((name) => `${SHARED_DATA}${name}.csv`);
    const { counts } = await parts.importFiles(paths);
    expect(counts).toMatchObject({ lines: 49_952, refused: 0 });
    const before = await parts.updateSeq();
    expect((await parts.importFiles(paths)).counts.written).toBe(0);
    expect(await parts.updateSeq()).toBe(before);
  }, 120_000);
}
