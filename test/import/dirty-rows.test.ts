import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import type { Fault } from '../../server/ingest/entries.ts';
import { faultLines, HAS_SHARED_DATA, openImport, SHARED_DATA } from './parts.ts';

const COLUMNS =
  'enrollment_id,registration_number,test_id,center_id,access_code,enrollment_status,payment_status,scheduled_at,seat,expected_error';

/** As people really send them: each fault beside rows that are right. */
const DIRTY = [
  'KE0001,KT270001,AST-P1,KAT-1,Q7MR2XKD,enrolled,completed,2027-03-01T08:00:00Z,1,',
  'KE0001,KT270002,AST-P1,KAT-1,CCCC0001,enrolled,completed,2027-03-01T08:00:00Z,2,duplicate enrollment id',
  'KE0011,KT270002,NOPE-P9,KAT-1,CCCC0002,enrolled,completed,2027-03-01T08:00:00Z,3,unknown test',
  'KE0012,KT270002,AST-P1,KAT-100,CCCC0003,enrolled,completed,2027-03-01T08:00:00Z,4,unknown center',
  'KE0013,KT270002,AST-P1,KAT-1,,enrolled,completed,2027-03-01T08:00:00Z,5,empty access code',
  'KE0014,KT270002,AST-P1,KAT-1,CCCC0004,enrolled,completed,07/13/2026 25:00,6,bad date',
  'KE0015,KT270002,AST-P1,KAT-1,CCCC0005,enrolled,completed,2027-02-30T08:00:00Z,7,bad date',
  'KE0016,KT270002,AST-P1,KAT-1,CCCC0006,enrolled,completed,2027-03-01T08:00:00Z,twelve,seat is not a number',
  'KE0017,KT270002,AST-P1,KAT-1,CCCC0007,maybe,completed,2027-03-01T08:00:00Z,9,unknown status',
  'KE0018,KT270002,AST-P1,KAT-1,CCCC0008,enrolled,completed,2027-03-01T08:00:00Z,10,',
  'KE0019,KT270003,AST-P1,KAT-1,CCCC0008,enrolled,completed,2027-03-01T08:00:00Z,11,duplicate access code',
  'KE0020,KT270003,AST-P1,KAT-1,N9GB4KUT,enrolled,completed,2027-03-01T08:00:00Z,12,duplicate access code',
  'KE:21,KT270003,AST-P1,KAT-1,CCCC0009,enrolled,completed,2027-03-01T08:00:00Z,13,id with a colon',
  'KE0022,0000,AST-P1,KAT-1,CCCC0010,cancelled,refunded,2027-03-01T08:00:00Z,14,unknown student',
  '../../etc/passwd,KT270003,AST-P1,KAT-1,CCCC0011,enrolled,completed,2027-03-01T08:00:00Z,15,path in the id',
  '..,KT270003,AST-P1,KAT-1,CCCC0012,enrolled,completed,2027-03-01T08:00:00Z,16,path in the id',
  'KE0024,KT270003,AST-P1,KAT-1,CCCC0013,enrolled,completed,2027-03-01T08:00:00Z,-4,negative seat',
  'KE0025,KT270003,AST-P1,KAT-1,CCCC0014,enrolled,completed,2027-03-01T08:00:00Z,2.5,seat is not a whole number',
  'KE0026,KT270004,AST-P1,KAT-10,CCCC0015,enrolled,completed,2027-03-01T08:00:00Z,,',
];

/** Faults in the order of lines: one that depends on later lines is found at the end of its file. */
function inOrder(faults: readonly Fault[]): string[] {
  return [...faults].sort((a, b) => a.line - b.line).map(({ line, reason }) => `${line}: ${reason}`);
}

/** Line and reason of every row that says what is wrong with it. */
async function expectedFaults(path: string): Promise<string[]> {
  const rows = parse(await readFile(path), { bom: true, columns: true }) as Record<string, string>[];
  return rows.flatMap((row, index) => (row.expected_error ? [`${index + 2}: ${row.expected_error}`] : []));
}

test('every fault is caught for its reason, and the rows that are right go in', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const path = await parts.write('dirty.csv', `\uFEFF${[COLUMNS, ...DIRTY].join('\r\n')}\r\n`);
  const { counts, faults, notes } = await parts.importFiles([path]);
  expect(inOrder(faults)).toEqual(await expectedFaults(path));
  expect(new Set(faults.map(({ file }) => file))).toEqual(new Set(['dirty.csv']));
  expect(notes).toEqual([
    { file: 'dirty.csv', note: 'column expected_error unknown in enrollments: ignored' },
  ]);
  // KE0018 and KE0026 are new; their students are there, at KAT-1 and KAT-10.
  expect(counts).toEqual({ lines: 19, written: 2, unchanged: 1, deleted: 0, refused: 16 });
  expect(await parts.read('center-KAT-10:enrollment:KE0026')).not.toHaveProperty('seat');
});

test('a second run of a dirty file finds the same faults and writes nothing', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const path = await parts.write('dirty.csv', [COLUMNS, ...DIRTY].join('\n'));
  const first = await parts.importFiles([path]);
  const before = await parts.updateSeq();
  const second = await parts.importFiles([path]);
  expect(faultLines(second)).toEqual(faultLines(first));
  expect(await parts.updateSeq()).toBe(before);
});

test('faults in the other forms name file, line, field and reason', async () => {
  await using parts = await openImport();
  await parts.edit('centers.csv', 'Lakeside,24', 'Lakeside,many');
  await parts.edit('tests.csv', '2027-03-02T10:00:00Z', '2027-03-02T07:00:00Z');
  await parts.edit(
    'questions.csv',
    'AST-002,AST,The Moon shines by its own light.,True,False,,,,B',
    'AST-002,AST,The Moon shines by its own light.,True,False,,,,E',
  );
  await parts.edit('questions.csv', 'AST-003,AST', 'AST-003,ZOO');
  await parts.edit('test-questions.csv', 'AST-P1,AST-005,5', 'AST-P1,AST-005,4');
  await parts.edit('students.csv', '2002-02-28', '2002-02-30');
  expect(faultLines(await parts.importFiles())).toEqual([
    'centers.csv:3:seats: seats is not a number',
    'tests.csv:3:ends_at: ends before it starts',
    'questions.csv:3:correct_option: correct option is none of the options',
    'questions.csv:4:subject_code: unknown subject',
    'test-questions.csv:3:question_id: unknown question',
    'test-questions.csv:4:question_id: unknown question',
    'test-questions.csv:6:position: duplicate position in the test',
    ...[12, 13, 14, 15, 16, 17, 18, 19].map((line) => `test-questions.csv:${line}:test_id: unknown test`),
    'test-centers.csv:3:center_id: unknown center',
    'test-centers.csv:4:test_id: unknown test',
    'test-centers.csv:4:center_id: unknown center',
    'students.csv:5:date_of_birth: bad date',
    'enrollments.csv:5:registration_number: unknown student',
    'enrollments.csv:5:center_id: unknown center',
    'enrollments.csv:6:center_id: unknown center',
    ...[7, 8, 9].flatMap((line) => [
      `enrollments.csv:${line}:test_id: unknown test`,
      `enrollments.csv:${line}:center_id: unknown center`,
    ]),
  ]);
});

if (HAS_SHARED_DATA) {
  test('everything in the large sample’s dirty file is caught', async () => {
    await using parts = await openImport();
    const names = ['subjects', 'centers', 'tests', 'students', 'enrollments-dirty'];
    const paths = names.map((name) => `${SHARED_DATA}${name}.csv`);
    const { faults } = await parts.importFiles(paths);
    const expected = await expectedFaults(`${SHARED_DATA}enrollments-dirty.csv`);
    expect(inOrder(faults)).toEqual(expected);
  });
}
