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
  /** Reads those that were asked for in earlier replications, all at once and before they are asked for again. */
  readAhead(): Promise<void>;
  /** Resolves when the newest of all is at the server. @throws what sending it failed with. */
  settled(): Promise<void>;
}

const SENT_EVERY_MS = 2000;

/**
 * @param paths those that have been asked for; added to.
 * @param isNew whether the server has none, since the replica has never replicated: it is not asked.
 */
export function createCheckpoints(send: Send, base: string, paths: Set<string>, isNew: boolean): Checkpoints {
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
    if (isRead(init) && (response.ok || response.status === 404)) {
      keep(path, response.ok ? answer : undefined);
    }
    return new AnswerFromMemory(answer, response.status);
  }

  function keep(path: string, doc: StoredDocument | undefined): void {
    paths.add(path);
    known.set(path, doc);
    revisions.set(path, doc?._rev);
  }

  async function sendAll(): Promise<void> {
    // Not each batch's: on a slow line the bytes of its documents come first.
    await Promise.race([delay(SENT_EVERY_MS, undefined, { ref: false }), hurry.promise]);
    for (let [next] = waiting; next; [next] = waiting) {
      const [path, doc] = next;
      waiting.delete(path);
      const { _rev, ...content } = doc;
      let answer = await write(path, content);
      if (answer.error === 'conflict') {
        // One was written just before the node was killed, and nothing of it is known here.
        const other = await send(requestOf(base + path, {}));
        revisions.set(path, ((await other.json()) as { _rev?: string })._rev);
        answer = await write(path, content);
      }
      if (answer.rev === undefined) throw new Error(`the checkpoint was refused: ${answer.reason}`);
      revisions.set(path, answer.rev);
    }
  }

  async function write(
    path: string,
    content: object,
  ): Promise<{ rev?: string; error?: string; reason?: string }> {
    const rev = revisions.get(path);
    const body = JSON.stringify(rev === undefined ? content : { ...content, _rev: rev });
    const headers: [string, string][] = [['content-type', 'application/json']];
    const response = await send(requestOf(base + path, { method: 'PUT', headers, body }));
    return (await response.json()) as Awaited<ReturnType<typeof write>>;
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
    async readAhead() {
      await Promise.all([...paths].map((path) => pass(path, {})));
    },
    async answer(path, init) {
      if (isNew && isRead(init) && !known.has(path)) keep(path, undefined);
      if (isRead(init) && known.has(path)) return answerOf(known.get(path));
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

function isRead({ method }: RequestInit): boolean {
  return method === undefined || method === 'GET';
}

function answerOf(doc: StoredDocument | undefined): Response {
  return doc
    ? new AnswerFromMemory(structuredClone(doc))
    : new AnswerFromMemory({ error: 'not_found', reason: 'missing' }, 404);
}
