import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { StoredDocument } from '../../replication/documents.ts';
import { pouchIn } from '../../replication/pouch.ts';

/** What happens to a stopped node's replica behind its back, at the level of LevelDB and of PouchDB. */

type Level = ClassicLevel<string, string>;

interface Metadata {
  rev_map: Record<string, number>;
}

/** Opens the LevelDB of a stopped node's replica. */
async function withLevel<Result>(dataDir: string, work: (level: Level) => Promise<Result>): Promise<Result> {
  const level: Level = new ClassicLevel(join(dataDir, 'couch', 'replica'));
  await level.open();
  try {
    return await work(level);
  } finally {
    await level.close();
  }
}

const documentKey = (id: string) => `\xffdocument-store\xff${id}`;
const bodyKey = (seq: number) => `\xffby-sequence\xff${String(seq).padStart(16, '0')}`;

async function bodyKeys(level: Level, id: string): Promise<string[]> {
  const metadata = JSON.parse((await level.get(documentKey(id))) as string) as Metadata;
  return Object.values(metadata.rev_map).map(bodyKey);
}

/** Changes fields of a document's body, and nothing of its revision. */
export function alterBody(dataDir: string, id: string, fields: object): Promise<void> {
  return withLevel(dataDir, async (level) => {
    for (const key of await bodyKeys(level, id)) {
      const body = JSON.parse((await level.get(key)) as string) as StoredDocument;
      await level.put(key, JSON.stringify({ ...body, ...fields }));
    }
  });
}

export function breakBody(dataDir: string, id: string): Promise<void> {
  return withLevel(dataDir, async (level) => {
    for (const key of await bodyKeys(level, id)) await level.put(key, '{"half":');
  });
}

export function deleteBody(dataDir: string, id: string): Promise<void> {
  return withLevel(dataDir, async (level) => {
    for (const key of await bodyKeys(level, id)) await level.del(key);
  });
}

export function deleteEntry(dataDir: string, id: string): Promise<void> {
  return withLevel(dataDir, (level) => level.del(documentKey(id)));
}

export function breakEntry(dataDir: string, id: string): Promise<void> {
  return withLevel(dataDir, (level) => level.put(documentKey(id), 'nonsense'));
}

/** Takes a document out entirely: entry and bodies. */
export function removeTraces(dataDir: string, id: string): Promise<void> {
  return withLevel(dataDir, async (level) => {
    for (const key of await bodyKeys(level, id)) await level.del(key);
    await level.del(documentKey(id));
  });
}

/** Works on the replica as a PouchDB of its own. */
export async function withPouch<Result>(
  dataDir: string,
  work: (db: PouchDB.Database<StoredDocument>) => Promise<Result>,
): Promise<Result> {
  const db = new (pouchIn(join(dataDir, 'couch')))('replica');
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
