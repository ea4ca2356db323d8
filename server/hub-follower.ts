import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { StoredDocument } from '../replication/documents.ts';
import type { Hub } from './hub.ts';
import { createDrain, hubChanged } from './hub-changes.ts';

/** A changed document of the hub. */
export interface HubChange {
  id: string;
  seq: string | number;
  /** The winning leaf, a tombstone when the document is deleted; only where bodies are asked for. */
  doc: StoredDocument | undefined;
  /** All leaf revisions, deleted ones too, the winner first. */
  revs: string[];
  /** The live leaves that lose; only where bodies are asked for. */
  conflicts: string[];
}

/** Where followers keep how far they are: a space of the control store, or the store that a mirror writes to. */
export interface Marks {
  get(name: string): Promise<HubMark | undefined>;
  put(name: string, mark: HubMark): Promise<void>;
}

/** @typeParam Prepared what `prepare` makes of a batch. */
export interface HubFollowerOptions<Prepared = undefined> {
  hub: Hub;
  /** Names the place in `marks` up to which the hub has been followed. */
  name: string;
  marks: Marks;
  log: FastifyBaseLogger;
  /** Whether changes come with the winning leaf. */
  bodies: boolean;
  /** Work on a batch that is done while the one before is handled; it may see the hub in a later state. */
  prepare?(changes: HubChange[]): Promise<Prepared>;
  /** Which batches are read once more after `ms`, so that what is still arriving arrives first. */
  settle?: { ms: number; isUnsettled(changes: HubChange[]): boolean };
  /**
   * Handles a batch; it comes again when this throws, or when the process dies before it has ended. `reached` is what
   * `marks` is given after it, for those who save it together with what they make of the batch.
   */
  handle(changes: HubChange[], reached: HubMark, prepared: Prepared): Promise<void>;
  /** The hub is read from its beginning: there is no mark, or it is one of another or a newer hub. */
  restarted?(): Promise<void>;
  /** All that the hub has was handled. Called again after each batch that comes later. */
  caughtUp?(): Promise<void>;
  /** What must have ended, well or not, before it begins by itself. */
  after?: Promise<unknown> | undefined;
  /** How many changes a batch has at most; default 500. */
  batch?: number;
  /** How long to wait after so many failures in a row; default one second. */
  retryMs?(failures: number): number;
}

/** How far a hub has been followed, and which one. */
export interface HubMark {
  hubId: string;
  seq: string | number;
}

/** Follows the hub's changes at least once each, from where it stopped. */
export interface HubFollower extends AsyncDisposable {
  /** Up to where the hub has been handled. */
  readonly seq: string | number;
  /** Resolves when all that the hub acknowledged before the call has been handled. @throws what `handle` throws. */
  drain(): Promise<void>;
}

const BATCH = 500;
const RETRY_MS = 1000;

/** A hub that is another one, or an older state of the same, is read from its beginning. */
export async function followHub<Prepared = undefined>(
  options: HubFollowerOptions<Prepared>,
): Promise<HubFollower> {
  const { hub, name, marks, log, settle, handle, batch = BATCH, retryMs = () => RETRY_MS } = options;
  const stop = new AbortController();
  const hubId = await hub.identity();
  const known = await marks.get(name);
  const isKnown = known?.hubId === hubId && !(await hub.isBefore(known.seq));
  let seq = isKnown ? known.seq : 0;
  if (!isKnown) await options.restarted?.();
  let isToldCaughtUp = false;

  /** A batch that is not full is the newest there is. */
  async function settled(page: Page<Prepared>): Promise<Page<Prepared>> {
    if (page.changes.length === batch || !settle?.isUnsettled(page.changes)) return page;
    await delay(settle.ms, undefined, { signal: stop.signal });
    return readPage(options, seq);
  }

  async function readToEnd(): Promise<void> {
    let page = readPage(options, seq);
    while (!stop.signal.aborted) {
      const { changes, last, prepared } = await settled(await page);
      if (changes.length === batch) page = readAhead(options, last);
      if (changes.length > 0) {
        isToldCaughtUp = false;
        const reached = { hubId, seq: last };
        await handle(changes, reached, prepared);
        await marks.put(name, reached);
        seq = last;
      }
      if (changes.length === batch) continue;
      if (!isToldCaughtUp) await options.caughtUp?.();
      isToldCaughtUp = true;
      return;
    }
  }

  const drain = createDrain(readToEnd);

  async function follow(): Promise<void> {
    let failures = 0;
    await Promise.race([options.after, aborted]);
    while (!stop.signal.aborted) {
      try {
        await drain.run();
        failures = 0;
        await hubChanged(hub, seq, stop.signal);
      } catch (error) {
        if (stop.signal.aborted) return;
        failures += 1;
        log.error({ err: error, follower: name }, 'the hub cannot be followed; it is tried again');
        await delay(retryMs(failures), undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  const aborted = options.after && once(stop.signal, 'abort');
  const following = follow();
  return {
    get seq() {
      return seq;
    },
    drain: drain.run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await drain.ended();
    },
  };
}

interface Page<Prepared> {
  changes: HubChange[];
  last: string | number;
  prepared: Prepared;
}

/** The next page is read while this one is handled; one that nobody comes to ask for may fail. */
function readAhead<Prepared>(
  options: HubFollowerOptions<Prepared>,
  since: string | number,
): Promise<Page<Prepared>> {
  const page = readPage(options, since);
  page.catch(() => {});
  return page;
}

async function readPage<Prepared>(
  { hub, bodies, batch = BATCH, prepare }: HubFollowerOptions<Prepared>,
  since: string | number,
): Promise<Page<Prepared>> {
  const { results, last_seq } = await hub.db.changes({
    since,
    limit: batch,
    batch_size: batch,
    style: 'all_docs',
    include_docs: bodies,
    conflicts: bodies,
  });
  const changes = results.map(({ id, seq, doc: found, changes: leaves }) => {
    const { _conflicts: conflicts = [], ...doc } = (found ?? {}) as StoredDocument;
    const revs = leaves.map(({ rev }) => rev);
    return { id, seq, doc: found && (doc as StoredDocument), revs, conflicts };
  });
  return { changes, last: last_seq, prepared: (await prepare?.(changes)) as Prepared };
}
