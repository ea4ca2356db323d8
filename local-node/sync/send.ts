import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { Database } from '../../replication/pouch.ts';
import type { Line, LineSession } from '../line.ts';
import type { Denied } from './replication.ts';

/**
 * Sends documents by their ids, without a checkpoint, in fewer round trips than the replicator takes: what was never
 * sent before is not asked about first, and several batches are under way at once.
 */

export interface SendOptions {
  signal: AbortSignal;
  /** Ask first which of the revisions are missing: for what may have arrived before a line was cut. */
  ask: boolean;
  /** These are at the server now. */
  written(docs: readonly { _id: string }[]): void;
  denied(document: Denied): void;
  /** Called when a batch is on its way. */
  begun?(): void;
}

interface Batch {
  /** Every leaf of each document. */
  leaves: { id: string; rev: string; text: string }[];
}

type Requests = Pick<Line, 'request' | 'send'>;

/** A batch before it is compressed. The first is small, so that the line has work soon; later ones compress better. */
const FIRST_CHARACTERS = 1 << 16;
/** Small enough that a cut costs little of what was sent. */
const MOST_CHARACTERS = 1 << 20;
/** While one batch is answered the next one uses the line. */
const BATCHES_UNDER_WAY = 3;

export async function sendDocuments(
  db: Database,
  line: Requests,
  session: Pick<LineSession, 'know' | 'isKnown'>,
  ids: readonly string[],
  options: SendOptions,
): Promise<void> {
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for await (const batch of batchesOf(db, session, ids)) {
    const sending = sendBatch(line, session, batch, { ...options, signal })
      .catch((error: unknown) => {
        failure ??= { error };
        failing.abort();
      })
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
    if (underWay.size >= BATCHES_UNDER_WAY) await Promise.race(underWay);
    if (failure) break;
  }
  await Promise.all(underWay);
  if (failure) throw failure.error;
}

async function* batchesOf(
  db: Database,
  session: Pick<LineSession, 'isKnown'>,
  ids: readonly string[],
): AsyncGenerator<Batch> {
  let leaves: Batch['leaves'] = [];
  let characters = 0;
  let limit = FIRST_CHARACTERS;
  for (const id of ids) {
    for (const doc of await readLeaves(db, id)) {
      const rev = doc._rev as string;
      if (session.isKnown(id, rev)) continue;
      const text = JSON.stringify(doc);
      leaves.push({ id, rev, text });
      characters += text.length;
    }
    if (characters < limit) continue;
    yield { leaves };
    limit = Math.min(4 * limit, MOST_CHARACTERS);
    leaves = [];
    characters = 0;
  }
  if (leaves.length > 0) yield { leaves };
}

async function readLeaves(db: Database, id: string): Promise<StoredDocument[]> {
  const options = { open_revs: 'all', revs: true, attachments: true } as const;
  const answers = (await db.get(id, options).catch((error: { status?: number }) => {
    if (error.status !== 404) throw error;
    return [];
  })) as unknown as { ok?: StoredDocument }[];
  return answers.flatMap(({ ok }) => (ok ? [ok] : []));
}

async function sendBatch(
  line: Requests,
  session: Pick<LineSession, 'know'>,
  { leaves }: Batch,
  options: SendOptions,
): Promise<void> {
  const missing = options.ask ? await missingOf(line, session, leaves, options.signal) : leaves;
  if (missing.length === 0) return;
  const body = `{"new_edits":false,"docs":[${missing.map(({ text }) => text).join(',')}]}`;
  let outcomes: { id: string; error?: string; reason?: string }[];
  try {
    outcomes = await line.send('POST', '/_bulk_docs', body, options);
  } catch (error) {
    const isTooLarge = error instanceof SyncError && error.code === 'too_large';
    if (!isTooLarge || missing.length === 1) throw error;
    const middle = missing.length >> 1;
    for (const half of [missing.slice(0, middle), missing.slice(middle)]) {
      await sendBatch(line, session, { leaves: half }, { ...options, ask: false });
    }
    return;
  }
  const refused = new Map(outcomes.filter(({ error }) => error).map((outcome) => [outcome.id, outcome]));
  for (const { id, rev } of missing) {
    const refusal = refused.get(id);
    // What failed for another reason is left to the replicator, which tries it again.
    if (refusal && refusal.error !== 'forbidden') continue;
    if (refusal) options.denied({ id, rev, reason: refusal.reason ?? 'the server refused it' });
    session.know(id, rev);
  }
  options.written(missing.flatMap(({ id }) => (refused.has(id) ? [] : [{ _id: id }])));
}

async function missingOf(
  line: Requests,
  session: Pick<LineSession, 'know'>,
  leaves: Batch['leaves'],
  signal: AbortSignal,
): Promise<Batch['leaves']> {
  const asked: Record<string, string[]> = {};
  for (const { id, rev } of leaves) asked[id] = [...(asked[id] ?? []), rev];
  const answer = await line.request<Record<string, { missing: string[] }>>(
    'POST',
    '/_revs_diff',
    asked,
    signal,
  );
  return leaves.filter(({ id, rev }) => {
    if (answer[id]?.missing.includes(rev)) return true;
    session.know(id, rev);
    return false;
  });
}
