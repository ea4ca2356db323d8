import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import type { SyncError } from '../../replication/errors.ts';
import type { Database } from '../../replication/pouch.ts';
import { answersDocument, questionDocument, studentDocument, wholeTest } from '../harness/documents.ts';
import { type FaultProxy, openFaultProxy } from '../harness/fault-proxy.ts';
import { compareLeaves, readLeaves, readLeavesOf, scopeOf } from '../harness/leaves.ts';
import { centerAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { openStockReplica, outcomeOf, stockRemote } from './world.ts';

const SHEETS = 4;
const TESTS = 3;
const QUESTIONS = 4;
const RUNS = 12;

/** What happens on either side, or between them. */
type Event =
  | {
      do: 'answer' | 'remove' | 'edit sheet online' | 'remove online' | 'edit student';
      n: number;
      value: number;
    }
  | { do: 'edit question'; test: number; n: number; value: number }
  | { do: 'assign' | 'withdraw'; test: number }
  | { do: 'pull' | 'push' | 'sync' }
  | { do: 'broken pull' | 'broken push'; request: number };

const number = fc.nat({ max: 99 });
const sheet = fc.nat({ max: SHEETS - 1 });
const testNumber = fc.nat({ max: TESTS - 1 });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    do: fc.constantFrom('answer', 'remove', 'edit sheet online', 'remove online', 'edit student'),
    n: sheet,
    value: number,
  }),
  fc.record({
    do: fc.constant('edit question' as const),
    test: testNumber,
    n: fc.integer({ min: 1, max: QUESTIONS }),
    value: number,
  }),
  fc.record({ do: fc.constantFrom('assign', 'withdraw'), test: testNumber }),
  fc.record({ do: fc.constantFrom('pull', 'push', 'sync') }),
  fc.record({ do: fc.constantFrom('broken pull', 'broken push'), request: fc.integer({ min: 1, max: 4 }) }),
) as fc.Arbitrary<Event>;

let server: RunningServer;
let line: FaultProxy;
let worlds = 0;

beforeAll(async () => {
  server = await openServerHere();
  line = await openFaultProxy(server.url);
});
afterAll(async () => {
  await line[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test('whatever is edited, assigned and cut, both sides end with equal leaves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 8, maxLength: 25 }), async (events) => {
      await using world = await openWorld();
      for (const next of events) await world.apply(next);
      await world.converge();
    }),
    // A failure prints its seed and path: fc.assert(…, { seed, path }) repeats it.
    { numRuns: RUNS, ...seedFromEnvironment(), endOnFailure: true },
  );
}, 120_000);

function seedFromEnvironment(): { seed?: number } {
  const seed = process.env.PROPERTY_SEED;
  return seed ? { seed: Number(seed) } : {};
}

/** A center of its own on the one server, with tests of its own. */
async function openWorld() {
  worlds += 1;
  const centerId = `W-${worlds}`;
  const testIds = Array.from({ length: TESTS }, (_, index) => `W${worlds}-T${index}`);
  await server.importDocuments(testIds.flatMap((testId) => wholeTest(testId, QUESTIONS)));
  const { secret } = await server.addCenter(centerId);
  const remote = stockRemote(centerAccess(line.url, centerId, secret).replicaUrl);
  const replica = await openStockReplica();
  const assigned = new Set<string>();
  const options = { batch_size: 3 };

  async function broken(transfer: RegExp, request: number, run: () => Promise<unknown>): Promise<void> {
    const running = run();
    for (let seen = 0; seen < request; seen += 1) {
      if ((await Promise.race([line.nextRequest(transfer), running])) === undefined) break;
    }
    line.cut();
    await running;
  }
  const pull = () => outcomeOf(replica.db.replicate.from(remote, options)).then(() => undefined);
  const push = () => outcomeOf(replica.db.replicate.to(remote, options)).then(() => undefined);

  async function apply(next: Event): Promise<void> {
    switch (next.do) {
      case 'answer':
        return editAtCenter(replica.db, sheetOf(next.n), next.value);
      case 'remove':
        return removeAtCenter(replica.db, sheetOf(next.n)._id);
      case 'edit sheet online':
        return editOnline(sheetOf(next.n), next.value);
      case 'remove online':
        return removeOnline(sheetOf(next.n)._id);
      case 'edit student':
        return editOnline(studentDocument(centerId, next.n), next.value);
      case 'edit question':
        return editOnline(questionDocument(testIds[next.test] as string, next.n), next.value);
      case 'assign':
        assigned.add(testIds[next.test] as string);
        return server.assign(testIds[next.test] as string, centerId);
      case 'withdraw':
        if (!assigned.delete(testIds[next.test] as string)) return;
        return server.withdraw(testIds[next.test] as string, centerId);
      case 'pull':
        return pull();
      case 'push':
        return push();
      case 'sync':
        return push().then(pull);
      case 'broken pull':
        return broken(/_changes|_bulk_get/, next.request, pull);
      case 'broken push':
        return broken(/_revs_diff|_bulk_docs/, next.request, push);
    }
  }

  // Of a test that is never withdrawn: late work of one that was goes to the quarantine.
  const sheetOf = (n: number) => answersDocument(centerId, `W${worlds}-HELD`, n, 3);

  return {
    apply,
    /** A test that is assigned again lives again a moment later; then one push and one pull make all equal. */
    async converge(): Promise<void> {
      let difference: unknown;
      await until(
        async () => {
          await replica.db.replicate.to(remote, options);
          await replica.db.replicate.from(remote, options);
          const hub = scopeOf(await readLeaves(server.api, '/couch/cbt'), centerId, [...assigned]);
          difference = compareLeaves(hub, await readLeavesOf(replica.db));
          return difference === undefined;
        },
        { what: 'hub and replica have equal leaves', withinMs: 20_000 },
      ).catch((error) => {
        expect(difference, String(error)).toBeUndefined();
        throw error;
      });
    },
    [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose](),
  };
}

async function editAtCenter(db: Database, doc: StoredDocument, value: number): Promise<void> {
  const found = await db.get(doc._id).catch(() => undefined);
  await db.put({ ...doc, ...(found ? { _rev: found._rev } : {}), score: value } as never);
}

async function removeAtCenter(db: Database, id: string): Promise<void> {
  const found = await db.get(id).catch(() => undefined);
  if (found) await db.remove(id, found._rev);
}

async function found(id: string): Promise<StoredDocument | undefined> {
  const path = `/couch/cbt/${encodeURIComponent(id)}`;
  return await server.api.request<StoredDocument>('GET', path).catch(() => undefined);
}

async function editOnline(doc: StoredDocument, value: number): Promise<void> {
  await changeOnline(async () => {
    const _rev = (await found(doc._id))?._rev;
    const body = { ...doc, ...(_rev ? { _rev } : {}), edited: value };
    await server.api.request('PUT', `/couch/cbt/${encodeURIComponent(doc._id)}`, body);
  });
}

async function removeOnline(id: string): Promise<void> {
  await changeOnline(async () => {
    const doc = await found(id);
    if (doc) await server.api.request('DELETE', `/couch/cbt/${encodeURIComponent(id)}?rev=${doc._rev}`);
  });
}

/** The server touches the documents of a test that is assigned again, which may come between reading and writing. */
async function changeOnline(change: () => Promise<void>): Promise<void> {
  await until(
    () =>
      change().then(
        () => true,
        (error: SyncError) => {
          if (error.code !== 'conflict') throw error;
          return false;
        },
      ),
    { what: 'an edit online without a conflict', withinMs: 5000 },
  );
}
