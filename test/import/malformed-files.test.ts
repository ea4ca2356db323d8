import { expect, test } from 'vitest';
import { faultLines, openImport } from './parts.ts';

const HEADER = 'registration_number,first_name,middle_name,last_name,email,phone,date_of_birth,sex';
const ROW = 'KT280001,Ada,,Bello,ada@example.org,,2004-01-01,F';

test.each([
  ['an empty file', '', 'odd.csv:1:: empty file'],
  ['a byte order mark alone', '\uFEFF', 'odd.csv:1:: empty file'],
  ['a file of another form', 'a,b\n1,2\n', 'odd.csv:1:: not a form of the authority: its columns are a, b'],
  [
    'a file with semicolons',
    'subject_code;name\nAST;Astronomy\n',
    'odd.csv:1:: its columns are not divided by commas: subject_code;name',
  ],
  ['a header that is no text', 'subject_code,n\uFFFDme\n', 'odd.csv:1:: not UTF-8'],
  [
    'a row that is too long',
    `subject_code,name\nAST,${'x'.repeat(300_000)}\nMUS,Music\n`,
    'odd.csv:2:: a row of more than 256 KiB, or a quote that is not closed: nothing from here on was read',
  ],
  [
    'a missing column',
    'registration_number,first_name,last_name,email,phone,date_of_birth,sex\n',
    'odd.csv:1:: missing column middle_name of the form students',
  ],
  ['a column twice', `${HEADER},sex\n`, 'odd.csv:1:: column sex stands there twice'],
  ['too few columns', `${HEADER}\nKT280001,Ada\n`, 'odd.csv:2:: 2 columns instead of 8'],
  ['too many columns', `${HEADER}\n${ROW},more\n`, 'odd.csv:2:: 9 columns instead of 8'],
  [
    'a quote that is not closed',
    `${HEADER}\n${ROW}\n"KT280002,Ada\nKT280003\n`,
    'odd.csv:3:: a quote is not closed: nothing from here on was read',
  ],
  ['Latin-1', `${HEADER}\n${ROW.replace('Ada', 'Zoë')}\n`, 'odd.csv:2:first_name: not UTF-8'],
])('%s is reported', async (name, content, expected) => {
  await using parts = await openImport();
  const path = await parts.write('odd.csv', content, name === 'Latin-1' ? 'latin1' : 'utf8');
  const report = await parts.importFiles([path]);
  expect(faultLines(report)).toEqual([expected]);
  expect(report.counts.refused).toBe(1);
});

test('a byte order mark, CRLF, quoted line ends and blank lines change nothing, and lines are counted right', async () => {
  await using parts = await openImport();
  const lines = [
    HEADER,
    'KT280001,"Ada\r\nMaria",,"Bello ""B"", Jr",a@x.org,,2004-01-01,F',
    '',
    'KT280002,,,X,,,,',
  ];
  const path = await parts.write('odd.csv', `\uFEFF${lines.join('\r\n')}`);
  const report = await parts.importFiles([path]);
  expect(faultLines(report)).toEqual(['odd.csv:5:first_name: empty first name']);
});

test('columns in another order, in capitals and with blanks around cells are the same form', async () => {
  await using parts = await openImport();
  await parts.write('subjects.csv', ' NAME , Subject_Code \n Astronomy , AST \nMusic,MUS\n');
  const report = await parts.importFiles();
  expect(report.faults).toEqual([]);
  expect(await parts.read('common:subject:AST')).toMatchObject({ name: 'Astronomy' });
});

test('a form is told by its header, whatever the file is called', async () => {
  await using parts = await openImport();
  await parts.importFiles();
  const path = await parts.write('export (3) final.csv', `${HEADER}\nKT270001,Amaka,,Okonjo,,,,F\n`);
  const report = await parts.importFiles([path]);
  expect(report.faults).toEqual([]);
  expect(await parts.read('center-KAT-1:student:KT270001')).toMatchObject({ firstName: 'Amaka' });
});

test('a bad file among good ones takes nothing with it', async () => {
  await using parts = await openImport();
  await parts.write('notes.csv', 'a,b\n1,2\n');
  const report = await parts.importFiles();
  expect(faultLines(report)).toEqual(['notes.csv:1:: not a form of the authority: its columns are a, b']);
  expect(report.counts.written).toBe(42);
});

test('a path that is not there, and a folder without CSV files, are errors', async () => {
  await using parts = await openImport();
  await expect(parts.importFiles([`${parts.folder}/none.csv`])).rejects.toThrow('no such file');
  await expect(parts.importFiles([parts.dataDir])).rejects.toThrow('no CSV file in this folder');
});
