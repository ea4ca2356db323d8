import type { StoredDocument } from '../../replication/documents.ts';
import { revisionsOf } from '../../replication/revisions.ts';
import type { CachedBody, CenterFeed } from '../feed/feed.ts';
import type { Hub } from '../hub.ts';

/** What is asked of a document: its winner, or one revision. */
export interface RevisionRequest {
  id: string;
  rev?: string;
}

export interface RevisionOptions {
  /** Add `_revisions`. */
  revs: boolean;
  /** Answer with the leaf that a revision has become. */
  latest: boolean;
  /** Add the attachments' data, base64. */
  attachments: boolean;
}

/** The hub's documents as one center sees them. What is outside its scope is absent, like what does not exist. */
export interface CenterView {
  /** Serialized documents in the order of the requests, `undefined` where there is none. */
  read(
    centerId: string,
    requests: readonly RevisionRequest[],
    options: RevisionOptions,
  ): Promise<(string | undefined)[]>;
}

export function createCenterView({ feed, hub }: { feed: CenterFeed; hub: Hub }): CenterView {
  return {
    async read(centerId, requests, options) {
      const seen = requests.map(({ id }) => feed.inScope(centerId, id));
      const found: (string | undefined)[] = new Array(requests.length).fill(undefined);
      const cached = await feed.bodies(requests.filter((_, index) => seen[index]).map(({ id }) => id));
      const asked: number[] = [];
      let next = 0;
      for (const [index, request] of requests.entries()) {
        if (!seen[index]) continue;
        const body = cached[next++];
        const text = body && fromCache(body, request, options);
        if (text === undefined) asked.push(index);
        else found[index] = text;
      }
      const answers = await fromHub(
        hub,
        asked.map((index) => requests[index] as RevisionRequest),
        options,
      );
      for (const [place, index] of asked.entries()) found[index] = answers[place];
      for (const [index, request] of requests.entries()) {
        if (!seen[index]) found[index] = await withdrawn(feed, centerId, request, options);
      }
      return found;
    },
  };
}

/** The cached winner, if it is what is asked for. The body's text begins with its id and its revision. */
function fromCache(
  { history, body }: CachedBody,
  { id, rev }: RevisionRequest,
  options: RevisionOptions,
): string | undefined {
  const head = `{"_id":${JSON.stringify(id)},"_rev":"`;
  if (rev !== undefined && !body.startsWith(`${rev}"`, head.length)) return undefined;
  const tombstone = body.includes('"_deleted":true');
  if ((rev === undefined && tombstone) || (options.attachments && body.includes('"_attachments"'))) {
    return undefined;
  }
  return options.revs ? withHistory(body, history) : body;
}

/** Adds `_revisions` to a serialized document. */
export function withHistory(body: string, history: string): string {
  return `${body.slice(0, -1)},"_revisions":${history}}`;
}

/**
 * One answer for each request, in order, as CouchDB's own replicator insists on. Winners are asked for apart: PouchDB
 * forgets the request for one beside a request for a revision of the same document.
 */
async function fromHub(
  hub: Hub,
  docs: RevisionRequest[],
  options: RevisionOptions,
): Promise<(string | undefined)[]> {
  const winners = await askHub(
    hub,
    docs.filter(({ rev }) => rev === undefined),
    options,
  );
  const revisions = await askHub(
    hub,
    docs.filter(({ rev }) => rev !== undefined),
    options,
  );
  return docs.map(({ rev }) => (rev === undefined ? winners : revisions).shift());
}

async function askHub(
  hub: Hub,
  docs: RevisionRequest[],
  { revs, latest, attachments }: RevisionOptions,
): Promise<(string | undefined)[]> {
  if (docs.length === 0) return [];
  const options = { docs, revs: revs || latest, latest, attachments } as PouchDB.Core.BulkGetOptions;
  const { results } = await hub.db.bulkGet(options);
  const byId = new Map<string, StoredDocument[]>();
  for (const { id, docs: answers } of results) {
    const leaves = answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
    byId.set(id, [...(byId.get(id) ?? []), ...leaves]);
  }
  return docs.map(({ id, rev }) => {
    const leaves = byId.get(id) ?? [];
    const exact = rev === undefined ? leaves[0] : leaves.find((leaf) => leaf._rev === rev);
    const leaf = exact ?? (latest ? leaves.find((candidate) => descendsFrom(candidate, rev)) : undefined);
    if (!leaf) return undefined;
    const { _revisions, ...rest } = leaf;
    return JSON.stringify(revs ? leaf : rest);
  });
}

function descendsFrom(doc: StoredDocument, rev: string | undefined): boolean {
  return rev !== undefined && doc._revisions !== undefined && revisionsOf(doc._revisions).includes(rev);
}

async function withdrawn(
  feed: CenterFeed,
  centerId: string,
  { id, rev }: RevisionRequest,
  { revs, latest }: RevisionOptions,
): Promise<string | undefined> {
  const tombstone = rev === undefined ? undefined : await feed.withdrawn(centerId, id, rev);
  if (!tombstone || (!latest && tombstone._rev !== rev)) return undefined;
  const { _revisions, ...rest } = tombstone;
  return JSON.stringify(revs ? tombstone : rest);
}
