import fc from 'fast-check';
import { expect } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { answersDocument, questionDocument, resultDocument, studentDocument } from '../harness/documents.ts';
import type { RunningNode } from '../harness/node.ts';
import type { RunningServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { CENTER, type Packages, test } from './world.ts';

const SHEETS = 4;
const RUNS = 8;

/** What happens on either side, or between them. `which` is any of the packages made so far: lost, late or doubled. */
type Event =
  | {
      do: 'answer' | 'edit student' | 'edit question' | 'withdraw' | 'assign' | 'submit';
      n: number;
      value: number;
    }
  | { do: 'line' | 'make download' | 'make results'; n: number }
  | { do: 'import download' | 'import results' | 'import receipts'; which: number };

const event = fc.oneof(
  fc.record({
    do: fc.constantFrom('answer', 'edit student', 'edit question', 'withdraw', 'assign', 'submit'),
    n: fc.nat({ max: SHEETS - 1 }),
    value: fc.nat({ max: 99 }),
  }),
  fc.record({
    do: fc.constantFrom('line', 'make download', 'make download', 'make results'),
    n: fc.constant(0),
  }),
  fc.record({
    do: fc.constantFrom('import download', 'import download', 'import results', 'import receipts'),
    which: fc.nat({ max: 20 }),
  }),
) as fc.Arbitrary<Event>;

test('whatever goes by line and by file, in any order, both sides end with equal leaves', {
  timeout: 300_000,
}, async ({ server, node, packages }) => {
  const world = createStory(server, node, packages);
  const seed = process.env.PROPERTY_SEED;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 8, maxLength: 24 }), async (events) => {
      for (const next of events) await world.apply(next);
      await world.converge();
    }),
    { numRuns: RUNS, endOnFailure: true, ...(seed ? { seed: Number(seed) } : {}) },
  );
});

/** One center whose story goes on from run to run: packages of earlier runs turn up too. */
function createStory(server: RunningServer, node: RunningNode, packages: Packages) {
  const downloads: Uint8Array<ArrayBuffer>[] = [];
  const results: Uint8Array<ArrayBuffer>[] = [];
  const receipts: Uint8Array<ArrayBuffer>[] = [];
  const tests = new Set(['SCI-P1']);
  let submitted = 0;

  const some = (made: Uint8Array<ArrayBuffer>[], which: number) =>
    made.length === 0 ? undefined : made[made.length - 1 - (which % made.length)];

  async function editAtNode(doc: StoredDocument): Promise<void> {
    const path = `/couch/replica/${doc._id}`;
    const known = await node.api.request<StoredDocument>('GET', path).catch(() => undefined);
    await node.api.request('PUT', path, known ? { ...doc, _rev: known._rev } : doc);
  }

  async function apply(next: Event): Promise<void> {
    switch (next.do) {
      case 'answer':
        return editAtNode({ ...answersDocument(CENTER, 'SCI-P1', next.n), value: next.value });
      case 'submit':
        submitted += 1;
        return editAtNode(resultDocument(CENTER, 'SCI-P1', submitted));
      case 'edit student':
        return server.importDocuments([
          { ...studentDocument(CENTER, 1 + next.n), phone: String(next.value) },
        ]);
      case 'edit question':
        return server.importDocuments([{ ...questionDocument('SCI-P2', 1 + next.n), points: next.value }]);
      case 'assign':
        tests.add('SCI-P2');
        return server.assign('SCI-P2', CENTER);
      case 'withdraw':
        if (tests.delete('SCI-P2')) await server.withdraw('SCI-P2', CENTER);
        return;
      case 'line':
        return void (await node.replicate());
      case 'make download':
        return void downloads.push(await packages.down());
      case 'make results':
        return void results.push(await packages.up());
      default:
        return carry(next);
    }
  }

  async function carry(next: Extract<Event, { which: number }>): Promise<void> {
    if (next.do === 'import results') {
      const file = some(results, next.which);
      if (file) receipts.push((await packages.arrive(file)).receipts);
      return;
    }
    const file = some(next.do === 'import download' ? downloads : receipts, next.which);
    // A package that something before it is missing for is refused, as it must be.
    if (file) await packages.into(file).catch(unlessOutOfOrder);
  }

  async function converge(): Promise<void> {
    await until(
      async () => {
        await node.replicate();
        return (await packages.difference([...tests])) === undefined;
      },
      { what: 'both sides have equal leaves' },
    );
    expect(await packages.status()).toMatchObject({ pendingPush: 0, verification: { equal: true } });
  }

  return { apply, converge };
}

function unlessOutOfOrder(error: unknown): void {
  if (!(error instanceof SyncError) || error.code !== 'package_out_of_order') throw error;
}
