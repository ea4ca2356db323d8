import type { ClassicLevel } from 'classic-level';
import type { Leaf } from '../../replication/digest.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { BODIES, bodyKey, DOCUMENTS, keyWithin, leavesOf, type Metadata, rangeOf, rawKey } from './layout.ts';

export type RawLevel = ClassicLevel<string, string>;

/** A document as it lies on the disk. */
export type DiskDocument = SoundDocument | BrokenDocument;

export interface SoundDocument {
  kind: 'sound';
  id: string;
  seq: number;
  /** The live ones. */
  leaves: Leaf[];
}

/** A document whose entries do not fit together: PouchDB would read it wrongly, or die of it. */
export interface BrokenDocument {
  kind: 'broken';
  id: string;
  reason: string;
}

const BATCH = 500;

/** All documents of a closed replica, in the order of their ids, in batches. */
export async function* scanDocuments(level: RawLevel): AsyncGenerator<DiskDocument[]> {
  for await (const entries of batches(level, DOCUMENTS)) {
    const read = entries.map(([key, value]) => readMetadata(keyWithin(DOCUMENTS, key), value));
    const seqs = read.flatMap((document) => (document.kind === 'read' ? document.seqs : []));
    const bodies = await level.getMany(seqs.map(bodyKey));
    const bodyOf = new Map(seqs.map((seq, index) => [seq, bodies[index]]));
    yield read.map((document) => (document.kind === 'read' ? withBodies(document, bodyOf) : document));
  }
}

/** One document of a closed replica. */
export async function readDocument(level: RawLevel, id: string): Promise<DiskDocument | undefined> {
  const value = await level.get(rawKey(DOCUMENTS, id));
  if (value === undefined) return undefined;
  const document = readMetadata(id, value);
  if (document.kind === 'broken') return document;
  const bodies = await level.getMany(document.seqs.map(bodyKey));
  return withBodies(document, new Map(document.seqs.map((seq, index) => [seq, bodies[index]])));
}

/** A body that belongs to no document, `doc` when it can be read at all. */
export interface OrphanBody {
  key: string;
  doc: StoredDocument | undefined;
}

/** The bodies of a closed replica that have no document, in batches, each with the newest sequence read so far. */
export async function* scanBodies(
  level: RawLevel,
): AsyncGenerator<{ orphans: OrphanBody[]; lastSeq: number }> {
  for await (const entries of batches(level, BODIES)) {
    const bodies = entries.map(([key, value]) => ({ key, doc: parse<StoredDocument>(value) }));
    const owners = await level.getMany(bodies.map(({ doc }) => rawKey(DOCUMENTS, doc?._id ?? '')));
    yield {
      orphans: bodies.filter(({ doc }, index) => !doc || owners[index] === undefined),
      lastSeq: Number(keyWithin(BODIES, entries.at(-1)?.[0] ?? '')),
    };
  }
}

async function* batches(level: RawLevel, store: string): AsyncGenerator<[string, string][]> {
  const iterator = level.iterator(rangeOf(store));
  try {
    for (;;) {
      const entries = await iterator.nextv(BATCH);
      if (entries.length === 0) return;
      yield entries;
    }
  } finally {
    await iterator.close();
  }
}

interface ReadMetadata {
  kind: 'read';
  id: string;
  seq: number;
  live: { rev: string; seq: number }[];
  /** Of all leaves, deleted ones too. */
  seqs: number[];
  revs: string[];
}

function readMetadata(id: string, value: string): ReadMetadata | BrokenDocument {
  const metadata = parse<Metadata>(value);
  if (metadata?.id !== id || !Array.isArray(metadata.rev_tree) || !metadata.rev_map) {
    return broken(id, 'its entry cannot be read');
  }
  const leaves = leavesOf(metadata);
  const winner = leaves[0];
  const seqs = leaves.map(({ rev }) => metadata.rev_map[rev]);
  if (!winner || seqs.some((seq) => seq === undefined)) {
    return broken(id, 'its revision tree names a revision without a body');
  }
  const isCurrent = metadata.winningRev === undefined || metadata.winningRev === winner.rev;
  if (!isCurrent || (metadata.deleted ?? winner.deleted) !== winner.deleted) {
    return broken(id, 'its winning revision is not the one of its revision tree');
  }
  const live = leaves.flatMap(({ rev, deleted }, index) =>
    deleted ? [] : [{ rev, seq: seqs[index] as number }],
  );
  return {
    kind: 'read',
    id,
    seq: metadata.seq,
    live,
    seqs: seqs as number[],
    revs: leaves.map(({ rev }) => rev),
  };
}

function withBodies(document: ReadMetadata, bodyOf: Map<number, string | undefined>): DiskDocument {
  const { id } = document;
  for (const [index, seq] of document.seqs.entries()) {
    const value = bodyOf.get(seq);
    if (value === undefined) return broken(id, `the body of ${document.revs[index]} is missing`);
    const body = parse<StoredDocument>(value);
    if (body?._id !== id || body._rev !== document.revs[index]) {
      return broken(id, `the body of ${document.revs[index]} is not its own`);
    }
  }
  const leaves = document.live.map(({ rev, seq }) => ({
    rev,
    body: JSON.parse(bodyOf.get(seq) as string) as StoredDocument,
  }));
  return { kind: 'sound', id, seq: document.seq, leaves };
}

function broken(id: string, reason: string): BrokenDocument {
  return { kind: 'broken', id, reason };
}

/** `undefined` for what is not a JSON object. */
function parse<Value extends object>(text: string): Value | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Value) : undefined;
  } catch {
    return undefined;
  }
}
