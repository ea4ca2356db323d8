import { setTimeout as delay } from 'node:timers/promises';
import type { StoredDocument } from '../../replication/documents.ts';
import { AnswerFromMemory, requestOf, type Send } from './transport.ts';

/**
 * The checkpoints that PouchDB's replicator keeps at the server. Only this node writes them, so what was read or written
 * once is answered from memory. A checkpoint of a batch is acknowledged at once and sent while the next batch is worked
 * on; of several that wait, the newest goes. One that is lost on the way costs a comparison of revisions, no document.
 */
export interface Checkpoints {
  answer(path: string, init: RequestInit): Promise<Response>;
  /** Resolves when the newest of all is at the server. @throws what sending it failed with. */
  settled(): Promise<void>;
}

const SENT_EVERY_MS = 2000;

export function createCheckpoints(send: Send, base: string): Checkpoints {
  /** As the replicator knows them; `undefined`: the server has none. */
  const known = new Map<string, StoredDocument | undefined>();
  /** What is still to be sent, and the revision that it stands on at the server. */
  const waiting = new Map<string, StoredDocument>();
  const revisions = new Map<string, string | undefined>();
  let sending: Promise<void> | undefined;
  let hurry = Promise.withResolvers<void>();

  async function pass(path: string, init: RequestInit): Promise<Response> {
    const response = await send(requestOf(base + path, init));
    const answer = (await response.json()) as StoredDocument;
    const isRead = init.method === undefined || init.method === 'GET';
    if (isRead && (response.ok || response.status === 404)) {
      const doc = response.ok ? answer : undefined;
      known.set(path, doc);
      revisions.set(path, doc?._rev);
    }
    return new AnswerFromMemory(answer, response.status);
  }

  async function sendAll(): Promise<void> {
    // Not each batch's: on a slow line the bytes of its documents come first.
    await Promise.race([delay(SENT_EVERY_MS, undefined, { ref: false }), hurry.promise]);
    for (let [next] = waiting; next; [next] = waiting) {
      const [path, doc] = next;
      waiting.delete(path);
      const { _rev, ...content } = doc;
      const rev = revisions.get(path);
      const body = JSON.stringify(rev === undefined ? content : { ...content, _rev: rev });
      const headers: [string, string][] = [['content-type', 'application/json']];
      const response = await send(requestOf(base + path, { method: 'PUT', headers, body }));
      const answer = (await response.json()) as { rev?: string; reason?: string };
      if (!response.ok) throw new Error(`the checkpoint was refused: ${answer.reason}`);
      revisions.set(path, answer.rev);
    }
  }

  function put(path: string, doc: StoredDocument): Response {
    const rev = `0-${Number(doc._rev?.slice(2) ?? 0) + 1}`;
    known.set(path, { ...doc, _rev: rev });
    waiting.set(path, doc);
    sending ??= sendAll().then(
      () => {
        sending = undefined;
      },
      (error) => {
        // Nothing is remembered of what may not have arrived; `settled` tells.
        known.clear();
        waiting.clear();
        throw error;
      },
    );
    sending?.catch(() => {});
    return new AnswerFromMemory({ ok: true, id: doc._id, rev }, 201);
  }

  return {
    async answer(path, init) {
      const isRead = init.method === undefined || init.method === 'GET';
      if (isRead && known.has(path)) return answerOf(known.get(path));
      if (init.method === 'PUT' && known.has(path)) {
        return put(path, JSON.parse(String(init.body)) as StoredDocument);
      }
      return pass(path, init);
    },
    async settled() {
      hurry.resolve();
      await sending;
      hurry = Promise.withResolvers<void>();
    },
  };
}

function answerOf(doc: StoredDocument | undefined): Response {
  return doc
    ? new AnswerFromMemory(structuredClone(doc))
    : new AnswerFromMemory({ error: 'not_found', reason: 'missing' }, 404);
}
