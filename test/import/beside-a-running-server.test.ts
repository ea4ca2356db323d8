import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { HUB_NAME } from '../../server/hub.ts';
import { runScript, startScript } from '../harness/child.ts';
import { type RunningServer, startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { SAMPLE_EXAM } from './parts.ts';

const NDJSON = 'application/x-ndjson';
const subject = (key: string, name = 'Name') => ({
  _id: `common:subject:${key}`,
  type: 'subject',
  subjectCode: key,
  name,
});

interface Answer {
  lines: number;
  written: number;
  unchanged: number;
  deleted: number;
  refused: number;
  errors: { file?: string; line: number; field: string; reason: string }[];
}

async function post(
  server: RunningServer,
  body: string | Buffer,
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const init = { method: 'POST', headers: { 'content-type': NDJSON, ...headers }, body: body as string };
  return (await (await server.api.open(`/api/import${query}`, init)).json()) as Answer;
}

function lines(docs: readonly unknown[]): string {
  return docs.map((doc) => (typeof doc === 'string' ? doc : JSON.stringify(doc))).join('\n');
}

async function updateSeq(server: RunningServer): Promise<unknown> {
  return (await server.api.request<{ update_seq: unknown }>('GET', `/couch/${HUB_NAME}`)).update_seq;
}

async function hubIds(server: RunningServer): Promise<string[]> {
  const path = `/couch/${HUB_NAME}/_all_docs`;
  const { rows } = await server.api.request<{ rows: { id: string }[] }>('GET', path);
  return rows.map(({ id }) => id).filter((id) => !id.startsWith('_design/'));
}

const run = (dataDir: string, ...args: string[]) =>
  runScript('server/main.ts', ['import', ...args], { env: { DATA_DIR: dataDir } });

test('documents are counted, and errors told by line', async () => {
  await using server = await startServer();
  const body = lines([
    subject('A'),
    '{"_id": ',
    '',
    { ...subject('B'), subjectCode: 'C' },
    { ...subject('D'), _attachments: {} },
    subject('A', 'Other'),
    '[1]',
    { name: 'no id' },
    { _id: 'center-KAT-1:student:X', type: 'student', registrationNumber: 'X', firstName: '', lastName: 'Y' },
    subject('E'),
    { ...subject('F'), _note: 1 },
    JSON.stringify({ ...subject('G'), deep: 0 }).replace('0}', `${'['.repeat(3000)}${']'.repeat(3000)}}`),
  ]);
  const answer = await post(server, body);
  expect(answer).toMatchObject({ lines: 11, written: 2, unchanged: 0, deleted: 0, refused: 9 });
  expect(answer.errors).toEqual([
    { line: 2, field: '', reason: 'not JSON' },
    { line: 4, field: 'subjectCode', reason: 'is not B, as the id says' },
    { line: 5, field: '_attachments', reason: 'attachments are not imported' },
    { line: 6, field: '_id', reason: 'duplicate id' },
    { line: 7, field: '', reason: 'not a document' },
    { line: 8, field: '_id', reason: 'missing' },
    { line: 9, field: 'firstName', reason: 'is empty' },
    { line: 11, field: '', reason: 'Bad special document member: _note' },
    { line: 12, field: '', reason: 'it is nested more than 100 levels deep' },
  ]);
  const gzip = { headers: { 'content-encoding': 'gzip' } };
  await expect(post(server, body, gzip), 'what says gzip and is none').rejects.toMatchObject({
    code: 'bad_request',
  });
  const before = await updateSeq(server);
  expect(await post(server, gzipSync(body), gzip)).toMatchObject({
    written: 0,
    unchanged: 2,
  });
  expect(await updateSeq(server)).toBe(before);
});

test('a strict import with an error and a dry run write nothing', async () => {
  await using server = await startServer();
  const before = await updateSeq(server);
  const bad = lines([subject('A'), { ...subject('B'), name: '' }]);
  expect(await post(server, bad, { query: '?strict=true' })).toMatchObject({ written: 0, refused: 1 });
  expect(await post(server, bad, { query: '?dryRun=true' })).toMatchObject({ written: 1, refused: 1 });
  expect(await updateSeq(server)).toBe(before);
  expect(await post(server, lines([subject('A')]), { query: '?strict=true' })).toMatchObject({ written: 1 });
});

test('an enrollment document moves, is taken out and deleted as a row would be', async () => {
  await using server = await startServer();
  const files = ['subjects', 'centers', 'tests', 'students', 'enrollments'];
  for (const name of files) {
    const csv = await readFile(join(SAMPLE_EXAM, `${name}.csv`));
    const answer = await post(server, csv, {
      query: `?file=${name}.csv`,
      headers: { 'content-type': 'text/csv' },
    });
    expect(answer.errors).toEqual([]);
  }
  const path = `/couch/${HUB_NAME}/center-KAT-1:enrollment:KE0001`;
  const { _rev, ...doc } = await server.api.request<StoredDocument>('GET', path);
  const moved = { ...doc, _id: 'center-KAT-10:enrollment:KE0001', centerId: 'KAT-10' };
  expect(await post(server, lines([moved]))).toMatchObject({ written: 2, deleted: 2, refused: 0 });
  expect(await hubIds(server)).not.toContain('center-KAT-1:student:KT270001');
  const back = lines([{ ...moved, enrollmentStatus: 'cancelled', paymentStatus: 'refunded' }]);
  expect(await post(server, back)).toMatchObject({ written: 0, deleted: 2, refused: 0 });
  expect(await post(server, lines([doc]))).toMatchObject({ written: 2 });
  expect(await post(server, lines([{ _id: doc._id, _deleted: true }]))).toMatchObject({ deleted: 2 });
});

test('what a center wrote is neither changed nor deleted', async () => {
  await using server = await startServer();
  const result = { _id: 'center-KAT-1:result:KE1', type: 'result', score: 7 };
  expect(await post(server, lines([result]))).toMatchObject({ written: 1 });
  expect(await post(server, lines([{ ...result, score: 8 }]))).toMatchObject({ written: 0, refused: 1 });
  expect(await post(server, lines([{ _id: result._id, _deleted: true }]))).toMatchObject({
    deleted: 0,
    refused: 1,
  });
  expect(await post(server, lines([result]))).toMatchObject({ unchanged: 1 });
});

test('only an administrator imports', async () => {
  await using server = await startServer();
  const { authorization } = await server.addCenter('KAT-1');
  for (const headers of [{}, { authorization }] as Record<string, string>[]) {
    const init = {
      method: 'POST',
      headers: { 'content-type': NDJSON, ...headers },
      body: lines([subject('A')]),
    };
    expect((await fetch(new URL('/api/import', server.url), init)).status).toBe(401);
  }
  expect(await hubIds(server)).toEqual(['center-KAT-1:center:KAT-1']);
});

test('the command imports beside a running server and without one, with the same outcome', async () => {
  await using server = await startServer();
  await using alone = await tempFolder();
  const beside = await run(server.dataDir, SAMPLE_EXAM);
  const without = await run(alone.path, SAMPLE_EXAM);
  expect(beside.code).toBe(0);
  expect(beside.stdout).toBe('62 rows, 0 refused; documents: 42 written, 0 unchanged, 0 deleted\n');
  expect(without).toMatchObject({ code: 0, stdout: beside.stdout });
  expect(await hubIds(server)).toHaveLength(42);
  const again = await run(alone.path, '--json', SAMPLE_EXAM);
  expect(JSON.parse(again.stdout)).toEqual({ lines: 62, written: 0, unchanged: 42, deleted: 0, refused: 0 });
});

test('the command reports each bad row and exits 1; strict writes nothing; wrong usage exits 2', async () => {
  await using server = await startServer();
  await using folder = await tempFolder();
  await cp(SAMPLE_EXAM, folder.path, { recursive: true });
  const file = join(folder.path, 'enrollments.csv');
  await writeFile(file, (await readFile(file, 'utf8')).replace('Q7MR2XKD', ''));
  const before = await updateSeq(server);

  const strict = await run(server.dataDir, '--strict', folder.path);
  expect(strict.code).toBe(1);
  expect(strict.stderr).toContain('enrollments.csv:2: access_code: empty access code\n');
  expect(strict.stdout).toBe('62 rows, 1 refused: nothing was written (--strict)\n');
  const dry = await run(server.dataDir, '--dry-run', folder.path);
  expect(dry).toMatchObject({
    code: 1,
    stdout: '62 rows, 1 refused; documents: 40 would be written, 0 unchanged, 0 would be deleted\n',
  });
  expect(await updateSeq(server)).toBe(before);
  expect(await run(server.dataDir, folder.path)).toMatchObject({ code: 1 });
  expect(await hubIds(server)).toHaveLength(40);

  expect(await run(server.dataDir, join(folder.path, 'none'))).toMatchObject({ code: 1, stdout: '' });
  expect(await run(server.dataDir)).toMatchObject({ code: 2 });
});

test('one import at a time: the second is told so and the first goes on', async () => {
  await using server = await startServer();
  const { readable: body, writable } = new TextEncoderStream();
  const feed = writable.getWriter();
  void feed.write(`${lines([subject('A')])}\n`);
  const init = { method: 'POST', headers: { 'content-type': NDJSON }, body, duplex: 'half' as const };
  const first = server.api.open('/api/import', init);
  const refusal = await until(
    () =>
      post(server, lines([subject('B')])).then(
        () => undefined,
        (error: Error) => error.message,
      ),
    { what: 'the second import is refused' },
  );
  expect(refusal).toContain('another import is running');
  void feed.write(lines([subject('C')]));
  void feed.close();
  expect(await (await first).json()).toMatchObject({ written: 2, refused: 0 });
});

test('the command or the server is killed in the middle: a second import makes it whole', async () => {
  await using server = await startServer();
  await using folder = await tempFolder();
  await cp(SAMPLE_EXAM, folder.path, { recursive: true });
  const header = (await readFile(join(SAMPLE_EXAM, 'students.csv'), 'utf8')).split('\n')[0];
  const places = (await readFile(join(SAMPLE_EXAM, 'enrollments.csv'), 'utf8')).split('\n')[0];
  const numbers = Array.from({ length: 4000 }, (_, index) => String(index).padStart(5, '0'));
  const students = numbers.map((n) => `KT9${n},First,,Last,,,,`);
  const enrollments = numbers.map(
    (n) =>
      `KE9${n},KT9${n},AST-P1,KAT-1${n.endsWith('0') ? '0' : ''},C${n},enrolled,completed,2027-03-01T08:00:00Z,1`,
  );
  await writeFile(join(folder.path, 'students2.csv'), [header, ...students].join('\n'));
  await writeFile(join(folder.path, 'enrollments2.csv'), [places, ...enrollments].join('\n'));
  const info = () => server.api.request<{ doc_count: number }>('GET', `/couch/${HUB_NAME}`);
  const isUnderWay = (from: number) => async () => (await info()).doc_count > from + 300;
  const start = () =>
    startScript('server/main.ts', ['import', folder.path], { env: { DATA_DIR: server.dataDir } });

  await using first = start();
  await until(isUnderWay(0), { what: 'the first import is under way' });
  await first.kill();
  await until(() => post(server, '').then(() => true), { what: 'the server has noticed it' });
  const { doc_count } = await info();
  expect(doc_count).toBeLessThan(8000);
  await using second = start();
  await until(isUnderWay(doc_count), { what: 'the second import is under way' });
  await server.kill();
  expect((await second.exited).code).toBe(1);
  await server.start();

  const third = await run(server.dataDir, folder.path);
  expect(third).toMatchObject({ code: 0 });
  expect(await hubIds(server)).toHaveLength(42 + 2 * 4000);
  const before = await updateSeq(server);
  expect((await run(server.dataDir, folder.path)).stdout).toContain('documents: 0 written, 8,042 unchanged');
  expect(await updateSeq(server)).toBe(before);
});
