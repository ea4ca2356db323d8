import { SyncError } from '../replication/errors.ts';
import { centerPartition } from '../replication/ids.ts';
import { type Database, pouchAt } from '../replication/pouch.ts';
import { authorizationOf, type Identity, replicaUrl } from './identity.ts';
import { type Checkpoints, createCheckpoints } from './line/checkpoints.ts';
import { createLineMemory, type LineMemory } from './line/memory.ts';
import { type ChangesPages, createChangesPages } from './line/pages.ts';
import type { ChangesEnd } from './line/rows.ts';
import {
  AnswerFromMemory,
  createTransport,
  type LineRequest,
  receivePackage,
  refusalOf,
  requestOf,
  type Send,
  type TransportOptions,
} from './line/transport.ts';

/** The line to the server: all that goes over it has a deadline, and as little as possible goes over it. */
export interface Line {
  /** Begins a replication: what was remembered of the last one is forgotten, since the server may be another one now. */
  begin(options: SessionOptions): Promise<LineSession>;
  /** The uuid of the server, `undefined` when it has none. @throws SyncError unreachable. */
  serverUuid(signal?: AbortSignal): Promise<string | undefined>;
  /** A request of the node's own. @throws SyncError with the server's reason, or unreachable. */
  request<Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer>;
  /** As `request`, of a body that is serialized already. */
  send<Answer>(
    method: string,
    path: string,
    text: string | undefined,
    options?: Pick<LineRequest, 'signal' | 'begun'>,
  ): Promise<Answer>;
  /** A package of all there is for the center, as it comes. @throws SyncError like `request`. */
  download(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Resolves when something has changed for the center after `since`. @throws SyncError when the line fails. */
  changed(since: string, signal: AbortSignal): Promise<void>;
}

export interface SessionOptions {
  signal: AbortSignal;
  /** Whether the feed shall send documents with the rows after this sequence. */
  inlineBodies(since: string): boolean;
  /** The replica has never replicated: there is no checkpoint of it at the server. */
  isNew?: boolean;
  /** Tells which documents may have been written here; about others the server need not be asked. */
  ours?(): Promise<(id: string) => boolean>;
  /** Called with the documents of which the server says that it lacks a revision. */
  lacking?(ids: string[]): void;
  /** Called when all there is has come over the line, while the replicator still works on it. */
  ended?(end: ChangesEnd): void;
}

/** One replication over the line. */
export interface LineSession extends AsyncDisposable {
  /** The center's feed, for PouchDB's replicator. */
  readonly remote: Database;
  /** Resolves when the line is seen to be up, which is tried when this is read first; `remote` must wait for it. */
  readonly ready: Promise<void>;
  /** The server has taken this revision, or has refused it. */
  know(id: string, rev: string): void;
  /** Asks for the changes after `since` before the replicator does. */
  ahead(since: string): void;
  /** Whether the server has told of this revision itself in this session, or was told of it. */
  isKnown(id: string, rev: string): boolean;
  /** Resolves when the newest checkpoint is at the server. @throws when it could not be sent. */
  settled(): Promise<void>;
}

type Fetch = (url: string | Request, init?: RequestInit) => Promise<Response>;

export function openLine(identity: Identity, options: Omit<TransportOptions, 'authorization'>): Line {
  const { silenceMs } = options;
  const base = replicaUrl(identity);
  const send = createTransport({ ...options, authorization: authorizationOf(identity) });
  const checkpointPaths = new Set<string>();
  const { serverUuid: uuid } = identity;
  let root: { uuid: string | undefined } | undefined = uuid === undefined ? undefined : { uuid };

  async function sendText<Answer>(
    method: string,
    path: string,
    text: string | undefined,
    options: Pick<LineRequest, 'signal' | 'begun'> = {},
  ): Promise<Answer> {
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const response = await send({ method, url: base + path, headers, body: text, ...options });
    if (!response.ok) throw await refusalOf(response);
    return (await response.json().catch(() => ({}))) as Answer;
  }

  return {
    request: (method, path, body, signal) =>
      sendText(method, path, body === undefined ? undefined : JSON.stringify(body), { signal }),
    send: sendText,
    async begin({ signal, inlineBodies, ended, isNew = false, ours, lacking }) {
      const closing = new AbortController();
      const ending = AbortSignal.any([signal, closing.signal]);
      const bounded: Send = (one) =>
        send({ ...one, signal: one.signal ? AbortSignal.any([one.signal, ending]) : ending });
      root ??= await readRoot(bounded, base);
      const memory = createLineMemory(centerPartition(identity.centerId));
      const pages = createChangesPages(bounded, base, { withBodies: inlineBodies, ended });
      const checkpoints = createCheckpoints(bounded, base, checkpointPaths, isNew);
      const fetch = createReplicatorFetch(bounded, base, {
        root,
        memory,
        pages,
        checkpoints,
        ours,
        lacking,
      });
      const remote = pouchAt(base, { fetch } as PouchDB.Configuration.RemoteDatabaseConfiguration);
      // PouchDB takes a first _bulk_get that fails, as on a line that is cut, for a server that has none, for good.
      const meet = () => Promise.all([remote.bulkGet({ docs: [] }), checkpoints.readAhead()]).then(() => {});
      let ready: Promise<void> | undefined;
      return {
        remote,
        get ready() {
          ready ??= meet();
          // Whoever waits for it hears of a failure.
          ready.catch(() => {});
          return ready;
        },
        know: memory.know,
        ahead: pages.ahead,
        isKnown: memory.isKnown,
        settled: checkpoints.settled,
        async [Symbol.asyncDispose]() {
          // PouchDB's replicator may go on behind a failure: no request of its comes through any more.
          closing.abort();
          await pages.close().catch(() => {});
          await remote.close();
        },
      };
    },
    download: (signal) => receivePackage((one) => send({ ...one, signal }), identity),
    serverUuid: async (signal) => (await readRoot((one) => send({ ...one, signal }), base)).uuid,
    async changed(since, signal) {
      const query = new URLSearchParams({
        feed: 'longpoll',
        since,
        limit: '1',
        heartbeat: String(Math.ceil(silenceMs / 3)),
      });
      const response = await send({
        method: 'GET',
        url: `${base}/_changes?${query}`,
        // A compressor would hold the heartbeats back.
        headers: { 'accept-encoding': 'identity' },
        signal,
      });
      const text = await response.text();
      if (!response.ok) throw new SyncError('unreachable', `the answer was HTTP ${response.status}`);
      // An answer without its end is a server that stopped.
      if (!text.includes('"last_seq"')) throw new SyncError('unreachable', 'an answer broke off');
    },
  };
}

/** The `fetch` that PouchDB's replicator uses: what the line remembers is answered here, the rest is sent. */
function createReplicatorFetch(
  send: Send,
  base: string,
  {
    root,
    memory,
    pages,
    checkpoints,
    ours,
    lacking,
  }: {
    root: object;
    memory: LineMemory;
    pages: ChangesPages;
    checkpoints: Checkpoints;
    ours: SessionOptions['ours'];
    lacking: SessionOptions['lacking'];
  },
): Fetch {
  async function revsDiff(path: string, init: RequestInit): Promise<Response> {
    const asked = JSON.parse(String(init.body)) as Record<string, string[]>;
    const unknown: [string, string[]][] = [];
    const isOurs = (await ours?.()) ?? (() => true);
    for (const [id, revs] of Object.entries(asked)) {
      if (!isOurs(id)) continue;
      const missing = revs.filter((rev) => !memory.isKnown(id, rev));
      if (missing.length > 0) unknown.push([id, missing]);
    }
    if (unknown.length === 0) return new AnswerFromMemory({});
    const body = JSON.stringify(Object.fromEntries(unknown));
    const response = await send(requestOf(base + path, { ...init, body }));
    if (!response.ok) return response;
    const answer = (await response.json()) as object;
    lacking?.(Object.keys(answer));
    return new AnswerFromMemory(answer);
  }

  async function bulkGet(path: string, init: RequestInit): Promise<Response> {
    const { docs } = JSON.parse(String(init.body)) as { docs: { id: string; rev: string }[] };
    const results: object[] = [];
    const rest: object[] = [];
    for (const wanted of docs) {
      const doc = memory.takeBody(wanted.id, wanted.rev);
      if (doc) results.push({ id: wanted.id, docs: [{ ok: doc }] });
      else rest.push(wanted);
    }
    if (rest.length === 0) return new AnswerFromMemory({ results });
    const response = await send(requestOf(base + path, { ...init, body: JSON.stringify({ docs: rest }) }));
    if (!response.ok) return response;
    const answer = (await response.json()) as { results: object[] };
    return new AnswerFromMemory({ results: [...results, ...answer.results] });
  }

  async function changes(url: URL, init: RequestInit): Promise<Response> {
    const since = url.searchParams.get('since') ?? '0';
    const limit = Number(url.searchParams.get('limit'));
    const page = await pages.page(since, limit, init.signal ?? undefined);
    memory.keepPage(page);
    return new AnswerFromMemory(page);
  }

  return async (target, init = {}) => {
    const url = String(target);
    if (!url.startsWith(base)) return new AnswerFromMemory(root);
    const path = url.slice(base.length);
    const [name = ''] = path.split('?', 1);
    // The replicator only puts these numbers into a list of tasks.
    if (name === '/' || name === '') return new AnswerFromMemory({ db_name: '', update_seq: 0 });
    if (name.startsWith('/_local/')) return checkpoints.answer(path, init);
    if (name === '/_revs_diff') return revsDiff(path, init);
    if (name === '/_bulk_get') return bulkGet(path, init);
    if (name === '/_changes' && init.method === 'GET') return changes(new URL(url), init);
    return send(requestOf(url, init));
  };
}

/**
 * Reads the server's welcome with its uuid, a part of the replication id. PouchDB would go on without it when the line
 * is cut just then, under another id, and so start from the beginning.
 */
async function readRoot(send: Send, base: string): Promise<{ uuid: string | undefined }> {
  const url = base.slice(0, base.lastIndexOf('/') + 1);
  const response = await send({ method: 'GET', url });
  if (!response.ok) throw new SyncError('unreachable', `${url} answered HTTP ${response.status}`);
  const { uuid } = (await response.json()) as { uuid?: string };
  return { uuid };
}
