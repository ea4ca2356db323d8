import type { StoredDocument } from '../../replication/documents.ts';
import {
  bodyKey,
  DOC_COUNT_KEY,
  DOCUMENTS,
  leavesOf,
  type Metadata,
  rawKey,
  UPDATE_SEQ_KEY,
  UUID_KEY,
} from './layout.ts';
import { type RawLevel, type SoundDocument, scanBodies, scanDocuments } from './scan.ts';

/** What happens to what is found. */
export interface MendTargets {
  /** The sound documents, in the order of their ids. */
  sound(documents: SoundDocument[]): Promise<void>;
  /** Called before a document is taken out, with what is left of it. */
  remains(id: string, rev: string, reason: string, doc: StoredDocument | undefined): Promise<void>;
  /** Called when a document is taken out. */
  lost(id: string): Promise<void>;
}

/** The uuid that PouchDB gave the replica. */
export function readUuid(level: RawLevel): Promise<string | undefined> {
  return readJson<string>(level, UUID_KEY);
}

/**
 * Reads a closed replica through and takes out what does not fit together: PouchDB's `changes` and `allDocs` end the
 * process on an entry that lacks its other half. What is taken out is handed to `targets` first.
 * @returns the replica's newest sequence.
 */
export async function mendReplica(level: RawLevel, targets: MendTargets): Promise<number> {
  let documents = 0;
  for await (const batch of scanDocuments(level)) {
    for (const document of batch) {
      if (document.kind === 'sound') continue;
      const { id, reason } = document;
      await targets.remains(id, '', reason, undefined);
      await targets.lost(id);
      await level.del(rawKey(DOCUMENTS, id), { sync: true });
    }
    const sound = batch.filter((document) => document.kind === 'sound');
    documents += sound.filter(({ leaves }) => leaves.length > 0).length;
    await targets.sound(sound);
  }
  const updateSeq = await takeOutOrphans(level, targets);
  await mendTotals(level, documents, updateSeq);
  return updateSeq;
}

/** Takes out the bodies without a document, those of broken documents among them. @returns the newest sequence. */
async function takeOutOrphans(level: RawLevel, targets: MendTargets): Promise<number> {
  let newest = (await readJson<number>(level, UPDATE_SEQ_KEY)) ?? 0;
  for await (const { orphans, lastSeq } of scanBodies(level)) {
    newest = Math.max(newest, lastSeq);
    for (const { key, doc } of orphans) {
      if (doc?._id !== undefined) {
        await targets.remains(doc._id, doc._rev ?? '', 'its document entry was gone', doc);
        await targets.lost(doc._id);
      }
      await level.del(key, { sync: true });
    }
  }
  return newest;
}

async function mendTotals(level: RawLevel, documents: number, updateSeq: number): Promise<void> {
  if (updateSeq === 0) return;
  await level.batch(
    [
      { type: 'put', key: DOC_COUNT_KEY, value: JSON.stringify(documents) },
      { type: 'put', key: UPDATE_SEQ_KEY, value: JSON.stringify(updateSeq) },
    ],
    { sync: true },
  );
}

/** Takes a document out of a closed replica with all its revisions, as if it had never been there. */
export async function purgeDocument(level: RawLevel, id: string): Promise<void> {
  const key = rawKey(DOCUMENTS, id);
  const metadata = await readJson<Metadata>(level, key);
  if (!metadata) return;
  const count = (await readJson<number>(level, DOC_COUNT_KEY)) ?? 0;
  const isLive = leavesOf(metadata)[0]?.deleted === false;
  await level.batch(
    [
      { type: 'del', key },
      ...Object.values(metadata.rev_map).map((seq) => ({ type: 'del' as const, key: bodyKey(seq) })),
      { type: 'put', key: DOC_COUNT_KEY, value: JSON.stringify(count - (isLive ? 1 : 0)) },
    ],
    { sync: true },
  );
}

async function readJson<Value>(level: RawLevel, key: string): Promise<Value | undefined> {
  const text = await level.get(key);
  return text === undefined ? undefined : (JSON.parse(text) as Value);
}
