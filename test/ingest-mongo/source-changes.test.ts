import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { meaningOrFault } from '../../server/ingest/mongo/entries.ts';
import { MAPPINGS } from '../../server/ingest/mongo/mapping.ts';
import { type MongoServer, startFerret, startMongo } from '../harness/mongo.ts';
import { until } from '../harness/until.ts';
import {
  fillService,
  followed,
  hubDocument,
  hubHas,
  hubSequence,
  ingestErrors,
  startIngesting,
} from './service.ts';

const LONG_MS = 180_000;

const WAYS: [string, 'streaming' | 'polling', () => Promise<MongoServer>][] = [
  ['by a change stream', 'streaming', startMongo],
  ['by polling', 'polling', startFerret],
];

describe.each(WAYS)('%s', (_, state, start) => {
  let mongo: MongoServer;
  let databases = 0;
  /** Each test has a database of its own. */
  const fill = () => {
    databases += 1;
    return fillService(mongo, `registration${databases}`);
  };
  beforeAll(async () => {
    mongo = await start();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());

  test(
    'what the service does arrives',
    async () => {
      const service = await fill();
      await using server = await startIngesting(service);
      expect(await followed(server)).toMatchObject({ state, errors: 0 });

      const first = await hubDocument(server, 'center-LAG-1:enrollment:E001');
      expect(first).toMatchObject({
        registrationNumber: 'R001',
        testId: 'MAT-P1',
        accessCode: 'CODE0001',
        scheduledAt: '2026-12-07T08:00:00.000Z',
        sourceIds: {
          enrollment: String(service.id('testenrollments', 1)),
          test: String(service.id('tests', 2)),
        },
      });
      expect(await hubDocument(server, 'test-SCI-P1:question:SCI-3')).toMatchObject({ position: 3 });
      expect(await hubDocument(server, 'center-LAG-10:assignment:SCI-P1')).toMatchObject({
        status: 'assigned',
      });
      expect(await hubDocument(server, 'center-LAG-1:student:R003')).toMatchObject({ middleName: 'Yaw' });
      // Neither paid nor wanted.
      expect(await hubDocument(server, 'center-LAG-10:enrollment:E009')).toBeUndefined();

      await service.insert('testenrollments', service.enrollment(11));
      await hubHas(server, 'center-LAG-1:enrollment:E011', (doc) => doc?.seat === 11);

      await service.update('testenrollments', service.id('testenrollments', 1), { accessCode: 'CHANGED1' });
      await hubHas(server, 'center-LAG-1:enrollment:E001', (doc) => doc?.accessCode === 'CHANGED1');

      await service.update('testenrollments', service.id('testenrollments', 2), {
        enrollmentStatus: 'cancelled',
      });
      await hubHas(server, 'center-LAG-1:enrollment:E002', (doc) => doc === undefined);

      await service.delete('testenrollments', service.id('testenrollments', 4));
      await hubHas(server, 'center-LAG-1:enrollment:E004', (doc) => doc === undefined);

      await service.update('testenrollments', service.id('testenrollments', 9), {
        enrollmentStatus: 'enrolled',
        paymentStatus: 'completed',
      });
      await hubHas(server, 'center-LAG-10:enrollment:E009', (doc) => doc !== undefined);

      await service.update('tests', service.id('tests', 1), {
        questions: [],
        testCenters: [service.id('testcenters', 1), service.id('testcenters', 3)],
      });
      await hubHas(server, 'center-LAG-10:assignment:SCI-P1', (doc) => doc?.status === 'withdrawn');
      await hubHas(server, 'center-ABJ-2:assignment:SCI-P1', (doc) => doc?.status === 'assigned');
      await hubHas(server, 'test-SCI-P1:question:SCI-3', (doc) => doc === undefined);
    },
    LONG_MS,
  );

  test(
    'a student who moves is at one center, and the copy of the student moves too',
    async () => {
      const service = await fill();
      await using server = await startIngesting(service);
      // The only enrollment of this student at this center.
      expect(await hubDocument(server, 'center-LAG-1:student:R005')).toBeDefined();
      await service.update('testenrollments', service.id('testenrollments', 5), {
        testCenter: service.id('testcenters', 3),
      });
      await hubHas(server, 'center-ABJ-2:enrollment:E005', (doc) => doc?.centerId === 'ABJ-2');
      expect(await hubDocument(server, 'center-LAG-1:enrollment:E005')).toBeUndefined();
      expect(await hubDocument(server, 'center-LAG-1:student:R005')).toBeUndefined();
      expect(await hubDocument(server, 'center-ABJ-2:student:R005')).toBeDefined();
    },
    LONG_MS,
  );

  test(
    'what does not fit is listed with the reason, and picked up when it does',
    async () => {
      const service = await fill();
      await using server = await startIngesting(service);
      await service.insert('testenrollments', service.enrollment(12, { seat: -1 }));
      await service.insert('testenrollments', service.enrollment(13, { student: service.id('users', 99) }));
      await service.insert('testenrollments', service.enrollment(14, { accessCode: 'CODE0001' }));
      const text = '5c0000000000000000000001';
      const question = { subject: service.id('subjects', 1), questionText: 'Which?', points: 1 };
      await service.insert('questions', {
        _id: text,
        questionId: 'SCI-9',
        ...question,
        answers: [null, 'A'],
      });
      const compound = { year: 2026, of: service.id('users', 1) };
      await service.insert('testenrollments', {
        ...service.enrollment(15, { accessCode: { code: 'CODE0015' } }),
        _id: compound,
      });
      const errors = await until(
        async () => {
          const found = await ingestErrors(server);
          return found.length === 5 && found;
        },
        { what: 'five errors are listed', withinMs: 60_000 },
      );
      const byKey = new Map(errors.map((error) => [error.key, error.reason]));
      expect(byKey.get('E012')).toBe('negative seat');
      expect(byKey.get('E013')).toContain('unknown document of users');
      expect(byKey.get('E014')).toBe('duplicate access code');

      expect(byKey.get('E015')).toBe('neither text nor a number: {"code":"CODE0015"}');
      await service.update('testenrollments', compound, { accessCode: 'CODE0015' });
      await hubHas(server, 'center-LAG-1:enrollment:E015', (doc) => doc?.accessCode === 'CODE0015');

      await service.update('testenrollments', service.id('testenrollments', 12), { seat: 12 });
      await hubHas(server, 'center-LAG-1:enrollment:E012', (doc) => doc?.seat === 12);
      const student = { role: 'student', studentRegNumber: 'R099', firstName: 'Late', lastName: 'Comer' };
      await service.insert('users', { _id: service.id('users', 99), ...student });
      await hubHas(server, 'center-LAG-1:enrollment:E013', (doc) => doc?.registrationNumber === 'R099');
      await service.update('testenrollments', service.id('testenrollments', 1), { accessCode: 'FREED001' });
      await hubHas(server, 'center-LAG-1:enrollment:E014', (doc) => doc?.accessCode === 'CODE0001');
      // Whatever an _id is made of, the document is found again.
      await until(async () => (await ingestErrors(server)).length === 1, { what: 'one error is left' });
      expect((await ingestErrors(server))[0]?.id).toBe(text);
      const options = ['A', 'B'].map((id) => ({ id, text: `option ${id}`, isCorrect: id === 'A' }));
      await service.update('questions', text, { answers: options });
      await until(async () => (await ingestErrors(server)).length === 0, { what: 'no error is left' });
    },
    LONG_MS,
  );

  test(
    'more tests, questions and enrollments than an import takes at once',
    async () => {
      const service = await fill();
      const bank = await service.fillBank(100);
      const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
      await service.insert('tests', ...numbers(5, 20).map((n) => service.test(n, bank)));
      const last = { test: service.id('tests', 19) };
      const enrollments = numbers(1000, 1600).map((n) => service.enrollment(n, last));
      await service.insert('testenrollments', ...enrollments);
      await using server = await startIngesting(service);
      expect(await ingestErrors(server)).toEqual([]);
      expect(await hubDocument(server, 'center-LAG-1:enrollment:E1599')).toMatchObject({ testId: 'SCI-P19' });
      for (const n of [5, 19]) {
        expect(await hubDocument(server, `test-SCI-P${n}:question:BANK-100`)).toMatchObject({
          position: 100,
        });
      }
    },
    LONG_MS,
  );

  test(
    'what changes nothing for the hub makes no revision, also after a restart',
    async () => {
      const service = await fill();
      await using server = await startIngesting(service);
      const before = await hubSequence(server);
      await service.update('testenrollments', service.id('testenrollments', 1), { accessCodeUsed: true });
      await service.update('users', service.id('users', 1), { lastLogin: new Date() });
      await server.stop();
      await service.update('testenrollments', service.id('testenrollments', 3), { paymentAmount: 1 });
      await server.start();
      await followed(server);
      // Something that does change shows that all before it has been read.
      await service.update('testenrollments', service.id('testenrollments', 1), { accessCode: 'CHANGED1' });
      await hubHas(server, 'center-LAG-1:enrollment:E001', (doc) => doc?.accessCode === 'CHANGED1');
      expect(await hubSequence(server)).toBe(Number(before) + 1);
    },
    LONG_MS,
  );
});

test('a document that its mapping cannot read does not fit, and holds up no other', () => {
  const mapping = MAPPINGS.find(({ collection }) => collection === 'users') as (typeof MAPPINGS)[number];
  const doc = { role: 'student', studentRegNumber: 'R098', dateOfBirth: new Date(Number.NaN) };
  const meaning = meaningOrFault({ mapping, id: '1', doc }, undefined, () => undefined, new Date());
  expect(meaning.faults).toEqual([
    { field: '', reason: expect.stringContaining('it cannot be read: Invalid time') },
  ]);
});
