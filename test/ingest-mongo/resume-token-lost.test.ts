import { expect, test } from 'vitest';
import { openSource, type SourceStream } from '../../server/ingest/mongo/source.ts';
import { startMongo } from '../harness/mongo.ts';
import { fillService, followed, hubHas, startIngesting } from './service.ts';

/** More than a server with a short history remembers. */
const BATCHES = 25;
const BATCH = 100;
const CHARACTERS = 5000;

test('a resume token that the source no longer knows: nothing that happened meanwhile is missed', async () => {
  await using mongo = await startMongo({ shortHistory: true });
  const service = await fillService(mongo);
  await using server = await startIngesting(service);
  await server.stop();
  await service.update('testenrollments', service.id('testenrollments', 1), { accessCode: 'MEANWHIL' });
  await service.delete('testenrollments', service.id('testenrollments', 2));
  await service.insert('testenrollments', service.enrollment(20));
  const other = mongo.client.db('registration').collection('pages');
  const page = () => ({ text: 'x'.repeat(CHARACTERS) });
  for (let n = 0; n < BATCHES; n += 1) await other.insertMany(Array.from({ length: BATCH }, page));
  await server.start();
  await followed(server);
  await hubHas(server, 'center-LAG-1:enrollment:E001', (doc) => doc?.accessCode === 'MEANWHIL');
  await hubHas(server, 'center-LAG-1:enrollment:E020', (doc) => doc !== undefined);
  expect(server.output).toContain('cannot go on where it stopped');
  await hubHas(server, 'center-LAG-1:enrollment:E002', (doc) => doc === undefined);
  await service.update('testenrollments', service.id('testenrollments', 1), { accessCode: 'AFTERWRD' });
  await hubHas(server, 'center-LAG-1:enrollment:E001', (doc) => doc?.accessCode === 'AFTERWRD');
}, 120_000);

test('what has come and was not taken yet comes again', async () => {
  await using mongo = await startMongo();
  const service = await fillService(mongo);
  await using source = openSource(service.uri);
  const signal = AbortSignal.timeout(20_000);
  const open = async (token: unknown) => (await source.watch(token)) as SourceStream;
  const next = async (stream: SourceStream) => {
    await stream.wait(signal);
    return stream.take().map(({ doc }) => doc?.enrollmentId);
  };
  await using stream = await open(undefined);
  await service.insert('testenrollments', service.enrollment(30));
  expect(await next(stream)).toEqual(['E030']);
  const before = stream.token;
  await service.insert('testenrollments', service.enrollment(31));
  await stream.wait(signal);
  expect(stream.token).toEqual(before);
  await using again = await open(stream.token);
  expect(await next(again)).toEqual(['E031']);
  await service.insert('testenrollments', service.enrollment(32));
  await using after = await open(again.token);
  expect(await next(after)).toEqual(['E032']);
}, 60_000);

test('the source killed, and the server killed: each goes on by itself', async () => {
  await using mongo = await startMongo();
  const service = await fillService(mongo);
  await using server = await startIngesting(service);
  await server.kill();
  await service.insert('testenrollments', service.enrollment(21));
  await server.start();
  await hubHas(server, 'center-LAG-1:enrollment:E021', (doc) => doc !== undefined);
  await mongo.kill();
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  await mongo.start();
  await service.insert('testenrollments', service.enrollment(22));
  await hubHas(server, 'center-LAG-1:enrollment:E022', (doc) => doc !== undefined);
}, 120_000);
