import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { COMMON_PARTITION, centerPartition, partitionOf, testPartition } from '../../replication/ids.ts';
import { type RevisionHistory, revisionsOf } from '../../replication/revisions.ts';
import type { CenterFeed } from '../../server/feed/feed.ts';
import { openFeed } from '../../server/feed/open.ts';
import { type Hub, openHub } from '../../server/hub.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const CENTERS = ['C', 'C-1'] as const;
const TESTS = ['T', 'T-1'] as const;
const KEYS = ['a', 'b', 'c', 'd'] as const;

/** One step of a history: a write to the hub, a change of an assignment, or a client that reads a few rows on. */
type Step =
  | { do: 'edit' | 'delete'; partition: string; key: string }
  | { do: 'assign or withdraw'; center: string; test: string }
  | { do: 'read'; center: string; limit: number }
  | { do: 'rebuild' };

const partitions = [COMMON_PARTITION, ...CENTERS.map(centerPartition), ...TESTS.map(testPartition)];
const target = { partition: fc.constantFrom(...partitions), key: fc.constantFrom(...KEYS) };
const place = { center: fc.constantFrom(...CENTERS), test: fc.constantFrom(...TESTS) };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('edit' as const), ...target }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), ...target }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('assign or withdraw' as const), ...place }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      center: fc.constantFrom(...CENTERS),
      limit: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'rebuild' as const }) },
);

/** What a client has of a document: every revision it knows of, and which of them are leaves. */
interface Tree {
  known: Set<string>;
  leaves: Map<string, 'live' | 'deleted'>;
}

/** A client as replicators are: a revision that it knows changes nothing. */
interface Client {
  since: string;
  trees: Map<string, Tree>;
}

/** Reads at most `limit` rows on, as a replicator would: each row's leaf takes the place of what it descends from. */
async function readOn(
  feed: CenterFeed,
  hub: Hub,
  center: string,
  client: Client,
  limit: number,
): Promise<number> {
  await feed.fresh();
  let count = 0;
  for await (const batch of feed.changes(center, client.since, { limit }).batches) {
    for (const row of batch) {
      for (const rev of row.revs) await take(feed, hub, center, client, row.id, rev);
      client.since = row.seq;
      count += 1;
    }
  }
  return count;
}

async function take(
  feed: CenterFeed,
  hub: Hub,
  center: string,
  client: Client,
  id: string,
  rev: string,
): Promise<void> {
  const doc = feed.inScope(center, id)
    ? ((await hub.db.get(id, { rev, revs: true })) as StoredDocument)
    : await feed.withdrawn(center, id, rev);
  if (!doc) throw new Error(`${id} ${rev} is in the changes of ${center} and cannot be read`);
  const tree: Tree = client.trees.get(id) ?? { known: new Set(), leaves: new Map() };
  client.trees.set(id, tree);
  if (tree.known.has(doc._rev as string)) return;
  for (const ancestor of revisionsOf(doc._revisions as RevisionHistory)) {
    tree.known.add(ancestor);
    tree.leaves.delete(ancestor);
  }
  tree.leaves.set(doc._rev as string, doc._deleted ? 'deleted' : 'live');
}

function alive(client: Client): Map<string, string> {
  const leaves = [...client.trees].map(([id, tree]) => {
    const live = [...tree.leaves].flatMap(([rev, state]) => (state === 'live' ? [rev] : []));
    return [id, live.sort().join(' ')] as const;
  });
  return new Map(leaves.filter(([, revs]) => revs !== ''));
}

async function expected(feed: CenterFeed, hub: Hub, center: string): Promise<Map<string, string>> {
  const scope = new Set(feed.scope(center).partitions);
  const { rows } = await hub.db.allDocs();
  const inScope = rows.filter(({ id }) => scope.has(partitionOf(id)));
  return new Map(inScope.map((row) => [row.id, (row as { value: { rev: string } }).value.rev]));
}

async function write(hub: Hub, _id: string, fields: object): Promise<void> {
  const known = await hub.db.get(_id).catch(() => undefined);
  const rev = known ? { _rev: known._rev } : {};
  await hub.write([{ _id, ...rev, ...fields, at: Math.random() } as StoredDocument], { newEdits: true });
}

test('whatever happens, a client that reads to the end holds exactly its scope', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      await using folder = await tempFolder('cbt-feed');
      await using hub = await openHub({ dataDir: folder.path, hubUrl: undefined });
      const open = () => openFeed({ dataDir: folder.path, hub, log: pino({ level: 'silent' }) });
      for (const testId of TESTS) {
        for (const key of KEYS) await write(hub, `${testPartition(testId)}:note:${key}`, { type: 'note' });
      }
      let feed = await open();
      const clients = new Map<string, Client>(CENTERS.map((id) => [id, { since: '0', trees: new Map() }]));
      try {
        for (const one of steps) {
          if (one.do === 'rebuild') {
            await feed[Symbol.asyncDispose]();
            await rm(`${folder.path}/feed`, { recursive: true });
            feed = await open();
          } else await run(one, feed, hub, clients);
        }
        for (const [center, client] of clients) {
          const want = async () => JSON.stringify([...(await expected(feed, hub, center))].sort());
          await until(
            async () => {
              while ((await readOn(feed, hub, center, client, 3)) > 0);
              return JSON.stringify([...alive(client)].sort()) === (await want());
            },
            { what: `${center} holds its scope`, withinMs: 3000 },
          ).catch(async () => {
            expect(Object.fromEntries(alive(client))).toEqual(
              Object.fromEntries(await expected(feed, hub, center)),
            );
          });
        }
      } finally {
        await feed[Symbol.asyncDispose]();
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 60_000);

async function run(
  one: Exclude<Step, { do: 'rebuild' }>,
  feed: CenterFeed,
  hub: Hub,
  clients: Map<string, Client>,
): Promise<void> {
  if (one.do === 'read') {
    await readOn(feed, hub, one.center, clients.get(one.center) as Client, one.limit);
  } else if ('partition' in one) {
    const fields = one.do === 'delete' ? { _deleted: true } : { type: 'note' };
    const id = `${one.partition}:note:${one.key}`;
    const exists = await hub.db.get(id).then(
      () => true,
      () => false,
    );
    if (one.do === 'edit' || exists) await write(hub, id, fields);
  } else {
    const id = `${centerPartition(one.center)}:assignment:${one.test}`;
    const old = await hub.db.get(id).catch(() => undefined);
    const status = old?.status === 'assigned' ? 'withdrawn' : 'assigned';
    const withdrawnAt =
      status === 'withdrawn' || old?.withdrawnAt ? { withdrawnAt: '2026-12-01T00:00:00Z' } : {};
    await write(hub, id, { type: 'assignment', status, ...withdrawnAt });
    await feed.fresh();
  }
}
