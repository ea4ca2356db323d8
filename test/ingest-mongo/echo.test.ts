import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { startMongo } from '../harness/mongo.ts';
import { until } from '../harness/until.ts';
import { fillService, hubHas, hubSequence, startIngesting } from './service.ts';

function testDocument(type: string, fields: object): StoredDocument {
  return { _id: `center-LAG-1:${type}:E001`, type, enrollmentId: 'E001', testId: 'MAT-P1', ...fields };
}

test('the service’s own database as the mirror’s: what is written back makes nothing', async () => {
  await using mongo = await startMongo();
  const service = await fillService(mongo);
  await using server = await startIngesting(service, { MONGODB_URI: service.uri });
  const statusOf = async (n: number) =>
    (await service.find('testenrollments', service.id('testenrollments', n)))?.syncStatus;
  await server.importDocuments([testDocument('session', { status: 'submitted' })]);
  await until(async () => (await statusOf(1)) === 'test_taken', { what: 'the test is taken' });
  await server.importDocuments([testDocument('result', { score: 2 })]);
  await until(async () => (await statusOf(1)) === 'results_uploaded', { what: 'the results are uploaded' });
  const result = await mongo.client
    .db('registration')
    .collection<{ _id: string }>('completedTests')
    .findOne({ _id: 'center-LAG-1:result:E001' });
  expect(result).toMatchObject({ score: 2, student: service.id('users', 1), test: service.id('tests', 2) });
  expect(await statusOf(2)).toBe('registered');

  const before = await hubSequence(server);
  await service.update('testenrollments', service.id('testenrollments', 3), { accessCode: 'CHANGED3' });
  await hubHas(server, 'center-LAG-1:enrollment:E003', (doc) => doc?.accessCode === 'CHANGED3');
  // That one change and no other: neither the status nor the mirrored collections came back.
  expect(await hubSequence(server)).toBe(Number(before) + 1);
  // And the status never goes back.
  await server.importDocuments([testDocument('session', { status: 'submitted' })]);
  expect(await statusOf(1)).toBe('results_uploaded');
}, 120_000);
