import { SyncError } from '../replication/errors.ts';
import type { Difference } from '../replication/node-report.ts';
import type { Database } from '../replication/pouch.ts';
import { type Digests, type FoundDocument, problemOf, readLiveLeaves } from './digests.ts';
import type { Line } from './line.ts';

/** A document in which the replica and the hub differ, with both digests. */
export interface FoundDifference extends Difference {
  here: string | undefined;
  there: string | undefined;
}

export interface ServerDigests {
  partitions: Record<string, { documents: number; digest: string }>;
}

const EMPTY = '0'.repeat(64);
const BATCH = 500;

/** The hub's digests of the center's partitions. @throws SyncError not_found when the server keeps none. */
export function readServerDigests(line: Line, signal: AbortSignal): Promise<ServerDigests> {
  return line.request<ServerDigests>('GET', '/_digest', undefined, signal);
}

/** The documents whose digests differ from the hub's, by id; both sides should be at rest. */
export async function compareWithServer(
  line: Line,
  digests: Digests,
  { partitions }: ServerDigests,
  signal: AbortSignal,
): Promise<Map<string, FoundDifference>> {
  const totals = digests.totals();
  const found = new Map<string, FoundDifference>();
  for (const partition of new Set([...Object.keys(partitions), ...totals.keys()])) {
    const there = partitions[partition]?.digest ?? EMPTY;
    if ((totals.get(partition)?.digest ?? EMPTY) === there) continue;
    const expected = there === EMPTY ? {} : await documentDigests(line, partition, signal);
    for await (const difference of differences(digests, partition, expected))
      found.set(difference.id, difference);
  }
  return found;
}

async function documentDigests(
  line: Line,
  partition: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const path = `/_digest?partition=${encodeURIComponent(partition)}`;
  const { documents } = await line.request<{ documents: Record<string, string> }>(
    'GET',
    path,
    undefined,
    signal,
  );
  return documents;
}

async function* differences(
  digests: Digests,
  partition: string,
  expected: Record<string, string>,
): AsyncGenerator<FoundDifference> {
  const unseen = new Set(Object.keys(expected));
  for await (const [id, here] of digests.documents(partition)) {
    unseen.delete(id);
    const there = expected[id];
    if (here !== there) yield { id, problem: problemOf(here, there), here, there };
  }
  for (const id of unseen) yield { id, problem: 'lost', here: undefined, there: expected[id] };
}

/**
 * Reads an open replica through and compares it with the node's own record of what it wrote: finds what was changed on
 * the disk, with or without a line. Documents that are written meanwhile are not suspects.
 */
export async function examineReplica(db: Database, digests: Digests): Promise<Difference[]> {
  await digests.catchUp(db);
  const { since } = digests;
  const examination = await digests.examine();
  const suspects: Difference[] = [];
  for await (const documents of liveDocuments(db)) suspects.push(...(await examination.found(documents)));
  suspects.push(...(await examination.end()));
  if (suspects.length === 0) return [];
  const { results } = await db.changes({ since });
  const written = new Set(results.map(({ id }) => id));
  await digests.catchUp(db);
  return suspects.filter(({ id }) => !written.has(id));
}

async function* liveDocuments(db: Database): AsyncGenerator<FoundDocument[]> {
  let startkey = '';
  for (;;) {
    const { rows } = await db.allDocs({ startkey, limit: BATCH, include_docs: true, conflicts: true });
    const fresh = rows.filter(({ id }) => id !== startkey);
    const last = fresh.at(-1);
    if (!last) return;
    startkey = last.id;
    yield Promise.all(
      fresh.map(async ({ id, doc }) => {
        const leaves = doc?._conflicts
          ? await readLiveLeaves(db, id)
          : [{ rev: doc?._rev as string, body: doc as NonNullable<typeof doc> }];
        return { id, leaves };
      }),
    );
  }
}

/** Whether the server keeps no digests: a CouchDB, or an older server. */
export function isWithoutDigests(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'not_found';
}
