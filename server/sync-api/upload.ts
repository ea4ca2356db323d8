import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { canonicalJson } from '../../replication/canonical.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { WriteOutcome } from '../../replication/group-commit.ts';
import { parseRevision } from '../../replication/revisions.ts';
import type { ServerParts } from '../parts.ts';
import { createTurns } from '../replica/turns.ts';
import type { WriteForCenter } from '../replica/writes.ts';
import { type RecordType, type UploadRecord, wantedOf, withoutOwn } from './records.ts';
import { type Suggestion, suggest } from './suggest.ts';

/** What has become of one record. */
export interface RecordOutcome {
  type: RecordType;
  id: string;
  /** `refused` records are in the quarantine. */
  status: 'stored' | 'unchanged' | 'refused';
  rev: string | null;
  reason: string | null;
}

/** A record that was made on another version than the hub has. */
export interface RecordConflict {
  type: RecordType;
  id: string;
  yours: Record<string, unknown>;
  theirs: { rev: string; record: Record<string, unknown> };
  suggestion: Suggestion;
}

export type UploadOutcome = { outcomes: RecordOutcome[] } | { conflicts: RecordConflict[] };

/** Stores records of a center by the same rules as its replica. Where one conflicts, nothing is stored. */
export type Upload = (
  centerId: string,
  records: readonly UploadRecord[],
  since: string | undefined,
) => Promise<UploadOutcome>;

interface Found {
  doc: StoredDocument | undefined;
  /** The leaf to write on, a tombstone too. */
  rev: string | undefined;
}

export function createUpload(
  { hub, feed }: Pick<ServerParts, 'hub' | 'feed'>,
  write: WriteForCenter,
): Upload {
  // Two uploads must not both find that there is no conflict.
  const inTurn = createTurns(1);

  async function store(
    centerId: string,
    records: readonly UploadRecord[],
    since: string | undefined,
  ): Promise<UploadOutcome> {
    const ids = records.map(({ id }) => id);
    const found = await readFound(hub, ids);
    const changed = since === undefined ? undefined : await changedSince(feed, centerId, since, ids);
    const plans = records.map((record) => {
      const there = found.get(record.id) as Found;
      return { record, there, wanted: wantedOf(record, there.doc) };
    });
    const isThere = ({ there, wanted }: (typeof plans)[number]) =>
      there.doc !== undefined &&
      isDeepStrictEqual(withoutOwn(there.doc), withoutOwn(wanted as StoredDocument));
    const conflicts = plans.flatMap((plan) => {
      const { record, there } = plan;
      const isUnseen = changed?.has(record.id) ?? true;
      return isThere(plan) ? [] : (conflictOf(record, there, isUnseen) ?? []);
    });
    if (conflicts.length > 0) return { conflicts };
    const writes = plans.filter((plan) => !isThere(plan));
    const docs = writes.map(({ wanted, there }) => withRevision(wanted, there.rev));
    const stored = await write(centerId, docs, { newEdits: false });
    const outcomes = new Map(writes.map(({ record }, index) => [record.id, stored[index] as WriteOutcome]));
    await feed.fresh();
    return {
      outcomes: plans.map(({ record, there }, index) => {
        const outcome = outcomes.get(record.id);
        const rev = docs[writes.indexOf(plans[index] as (typeof plans)[number])]?._rev ?? there.rev ?? null;
        return outcomeOf(record, outcome, rev);
      }),
    };
  }

  return (centerId, records, since) => inTurn(() => store(centerId, records, since));
}

async function readFound({ db }: ServerParts['hub'], ids: string[]): Promise<Map<string, Found>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.allDocs({ keys: ids, include_docs: true });
  return new Map(
    rows.map((row): [string, Found] => {
      if (!('value' in row)) return [row.key, { doc: undefined, rev: undefined }];
      const doc = row.value.deleted ? undefined : (row.doc as unknown as StoredDocument);
      return [row.key, { doc, rev: row.value.rev }];
    }),
  );
}

/** Which of the documents have changed after a token of the center's feed. */
async function changedSince(
  feed: ServerParts['feed'],
  centerId: string,
  since: string,
  ids: readonly string[],
): Promise<Set<string>> {
  await feed.fresh();
  const wanted = new Set(ids);
  const changed = new Set<string>();
  for await (const rows of feed.changes(centerId, since).batches) {
    for (const { id } of rows) if (wanted.has(id)) changed.add(id);
  }
  return changed;
}

/** @param isUnseen the sender has not said that it knows the hub's version. */
function conflictOf(record: UploadRecord, { doc }: Found, isUnseen: boolean): RecordConflict | undefined {
  if (!doc) return undefined;
  // Seat and attendance are set into whatever version there is.
  if (record.type === 'enrollment' && record.rev === undefined) return undefined;
  const isSeen = record.rev === undefined ? !isUnseen : record.rev === doc._rev;
  const isFinal = record.type === 'result' || record.type === 'log';
  if (isSeen && !isFinal) return undefined;
  const { type, id, fields } = record;
  const theirs = { rev: doc._rev as string, record: withoutOwn(doc) };
  return { type, id, yours: fields, theirs, suggestion: suggest(type, fields, theirs.record) };
}

/** A revision made of the content and of what it was made on: sent again, it is the same one. */
function withRevision(doc: Record<string, unknown>, parentRev: string | undefined): StoredDocument {
  const parent = parentRev === undefined ? undefined : parseRevision(parentRev);
  const start = (parent?.generation ?? 0) + 1;
  const hash = createHash('md5')
    .update(canonicalJson([parentRev ?? null, doc]))
    .digest('hex');
  const ids = parent ? [hash, parent.hash] : [hash];
  return { ...doc, _rev: `${start}-${hash}`, _revisions: { start, ids } } as unknown as StoredDocument;
}

function outcomeOf(
  { type, id }: UploadRecord,
  outcome: WriteOutcome | undefined,
  rev: string | null,
): RecordOutcome {
  if (!outcome) return { type, id, status: 'unchanged', rev, reason: null };
  if ('ok' in outcome) return { type, id, status: 'stored', rev, reason: null };
  if (outcome.error !== 'forbidden') throw new SyncError('internal_error', `${id}: ${outcome.reason}`);
  return { type, id, status: 'refused', rev: null, reason: outcome.reason };
}
