import { expect, test, vi } from 'vitest';
import { until } from '../harness/until.ts';
import { CENTER, openCenter, startCenter } from './center.ts';
import { answers, student, students, subject } from './documents.ts';

const IMPATIENT = { silenceMs: 500 };

test('a half-open line is given up, and the node comes back by itself', async () => {
  await using center = await openCenter([subject('MTH')], IMPATIENT);
  await center.setMode('continuous');
  await until(async () => (await center.status()).line === 'up', { what: 'the first replication' });

  center.line.set({ swallow: true });
  await until(async () => (await center.status()).line === 'down', { what: 'the node notices the silence' });
  expect((await center.status()).lastError?.reason).toMatch(/ was silent for 0\.5 s$/);
  expect((await center.write(answers(CENTER, 'E1'))).status).toBe(201);
  await expect(center.replicate()).rejects.toMatchObject({
    reason: expect.stringMatching(/was silent for 0\.5 s$/),
  });

  center.line.set({ swallow: false });
  await until(() => center.readOnline(`center-${CENTER}:answers:E1`), { what: 'the answers are online' });
});

test('a system time that is set back while the line is down puts nothing off', async () => {
  await using center = await openCenter([subject('MTH')]);
  await center.setMode('continuous');
  await until(async () => (await center.status()).line === 'up', { what: 'the first replication' });
  await center.line.down();
  await center.write(answers(CENTER, 'E1'));
  await until(async () => (await center.status()).line === 'down', { what: 'the node notices' });
  const systemTime = Date.now;
  using _spy = vi.spyOn(Date, 'now').mockImplementation(() => systemTime() - 3_600_000);
  await center.line.up();
  await until(() => center.readOnline(`center-${CENTER}:answers:E1`), { what: 'the answers are online' });
});

test('an idle line is kept open by heartbeats, and tells of changes at once', async () => {
  await using center = await startCenter([], { LINE_SILENCE_SECONDS: '0.5' });
  await center.setMode('continuous');
  const waits = () => center.line.requests.filter((line) => line.includes('longpoll'));
  await until(() => waits().length > 0, { what: 'the node waits for changes' });
  expect(waits()[0]).toContain('heartbeat=167');
  // A heartbeat is 6 bytes on the wire; 12 of them take four times as long as the line may be silent.
  const before = center.line.bytes.down;
  await until(() => center.line.bytes.down >= before + 12 * 6, { what: 'a dozen heartbeats' });
  expect(waits().length).toBe(1);
  expect((await center.status()).line).toBe('up');
  await center.server.importDocuments([student(CENTER, 7)]);
  await until(() => center.read(`center-${CENTER}:student:S7`), { what: 'the student is here' });
  expect(await center.node.stop()).toMatchObject({ code: 0, signal: null });
});

test('a pull over a line that keeps breaking ends, and takes little twice', async () => {
  await using center = await openCenter();
  const docs = students(CENTER, 3000);
  await center.server.importDocuments(docs);
  const before = center.line.bytes.down;
  // The first replica is to come by replication.
  center.line.answerNext(1, 404, /sync.download/);
  // The whole answer has about 110,000 bytes.
  for (let cut = 0; cut < 2; cut += 1) center.line.truncateNext(50_000, /_changes/);
  await until(() => center.replicate().catch(() => false), { what: 'a replication that succeeds' });
  expect(await center.status()).toMatchObject({ documents: 3001, verification: { equal: true } });
  expect(center.line.requests.filter((line) => line.includes('_changes')).length).toBeGreaterThanOrEqual(3);
  expect(center.line.bytes.down - before).toBeLessThan(300_000);
});

test.each([429, 503])('an answer of %i is an ordinary failure', async (status) => {
  await using center = await openCenter([subject('MTH')]);
  center.line.answerNext(1, status, /_changes/);
  await expect(center.replicate()).rejects.toMatchObject({ reason: 'try later' });
  await center.replicate();
});

test('a first pull costs one round trip for all documents, and one for each checkpoint', async () => {
  await using center = await openCenter();
  await center.replicate();
  const before = center.line.requests.length;
  await center.server.importDocuments(students(CENTER, 2500));
  await center.replicate();
  const requests = center.line.requests
    .slice(before)
    .map((line) => line.replace(/\?.*|[A-Za-z0-9._]{22}%3D%3D/g, ''));
  const count = (path: string) => requests.filter((line) => line === path).length;
  const base = `/replicas/${CENTER}`;
  expect(count(`GET ${base}/_changes`)).toBe(1);
  expect(count(`POST ${base}/_bulk_get`)).toBe(0);
  // What came down is not offered to the server, not even to ask.
  expect(count(`POST ${base}/_revs_diff`)).toBe(0);
  expect(count(`PUT ${base}/_local/`)).toBeLessThanOrEqual(4);
  expect(requests.length).toBeLessThanOrEqual(12);
});
