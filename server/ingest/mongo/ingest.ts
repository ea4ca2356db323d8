import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../replication/errors.ts';
import type { ServerParts } from '../../parts.ts';
import { applyDocuments } from './apply.ts';
import type { SourceDocument } from './entries.ts';
import { CHANGED_FIELD, MAPPINGS } from './mapping.ts';
import { type IngestError, type Memory, openMemory, type SourceState } from './memory.ts';
import { HistoryLost, openSource, type Source, type SourceStream } from './source.ts';

/** Where ingest stands. */
export interface IngestStatus {
  /** `reading`: what was there before; then `streaming`, or `polling` where there are no change streams. */
  state: 'reading' | 'streaming' | 'polling' | 'down';
  /** When something new came last, ISO 8601. */
  lastChangeAt: string | null;
  /** Documents of the source that do not fit. */
  errors: number;
  /** Why it is down. */
  error: string | null;
}

/** The way in from the registration service's MongoDB. */
export interface Ingest extends AsyncDisposable {
  status(): Promise<IngestStatus>;
  errors(): AsyncIterable<IngestError>;
}

const POLL_MS = 1000;
/** Clocks differ, and a document may be written some time after it was stamped. */
const OVERLAP_MS = 60_000;
/** Deletions leave nothing that polling would find: the ids are compared now and then, as after so many polls. */
const COMPARED_EVERY = 10;
const LONGEST_WAIT_MS = 10_000;
const RETRIED_AT_ONCE = 500;

type Parts = Pick<ServerParts, 'config' | 'hub' | 'store' | 'importing' | 'log'>;

/** Starts ingest; the source need not be reachable. */
export function startIngest(uri: string, parts: Parts): Ingest {
  const { hub, log } = parts;
  const stop = new AbortController();
  const memory = openMemory(parts.store);
  const source = openSource(uri);
  const status: Omit<IngestStatus, 'errors'> = { state: 'reading', lastChangeAt: null, error: null };
  let failures = 0;

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (stop.signal.aborted) return;
        if (failures++ === 0) log.warn({ err: error }, 'ingest cannot read its source; it tries again');
        Object.assign(status, { state: 'down', error: messageOf(error) });
        const waitMs = Math.min(250 * 2 ** failures, LONGEST_WAIT_MS);
        await delay(waitMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  async function follow(): Promise<void> {
    const hubId = await hub.identity();
    const known = await memory.state();
    let state: SourceState = known?.hubId === hubId ? known : { hubId, newest: '' };
    const save = async (changes: Partial<SourceState>) => {
      state = { ...state, ...changes };
      await memory.put({ state });
    };
    const apply = async (documents: SourceDocument[]) => {
      const { changed } = await applyDocuments(parts, memory, documents, hubId);
      if (changed > 0) status.lastChangeAt = new Date().toISOString();
      return changed;
    };
    const pollMs = parts.config.ingestPollMs ?? POLL_MS;
    const context: Context = { source, memory, apply, save, state: () => state, pollMs, signal: stop.signal };
    const isResumable = state.resumeToken !== undefined;
    const opened = await source.watch(state.resumeToken).catch((error: unknown) => {
      if (!(error instanceof HistoryLost)) throw error;
      log.warn(`the source’s change stream cannot go on where it stopped: read by ${CHANGED_FIELD}`);
      return 'lost' as const;
    });
    const stream = opened === 'lost' ? await source.watch(undefined) : opened;
    await using _stream = stream ?? { [Symbol.asyncDispose]: async () => {} };
    status.state = 'reading';
    if (!(isResumable && opened !== 'lost')) await catchUp(context);
    await retryErrors(context);
    failures = 0;
    Object.assign(status, { state: stream ? 'streaming' : 'polling', error: null });
    await (stream ? followStream(context, stream) : poll(context));
  }

  const running = run();
  return {
    async status() {
      let errors = 0;
      for await (const _error of memory.errors()) errors += 1;
      return { ...status, errors };
    },
    errors: () => memory.errors(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      // What waits for the source's answer ends with its connection.
      await source[Symbol.asyncDispose]();
      await running;
    },
  };
}

/** What the ways of following the source have in common. */
interface Context {
  source: Source;
  memory: Memory;
  /** @returns how many documents meant something new. */
  apply(documents: SourceDocument[]): Promise<number>;
  save(changes: Partial<SourceState>): Promise<void>;
  state(): SourceState;
  pollMs: number;
  signal: AbortSignal;
}

/** Reads what has changed since the newest that was seen, all at the first time, and finds what was deleted. */
async function catchUp(context: Context): Promise<number> {
  const { source, apply, save, state, signal } = context;
  const { newest } = state();
  const since = newest === '' ? undefined : new Date(Date.parse(newest) - OVERLAP_MS);
  let changed = 0;
  let seen = newest;
  for await (const documents of source.read(since)) {
    if (signal.aborted) return changed;
    changed += await apply(documents);
    seen = newestOf(documents, seen);
  }
  if (seen !== newest) await save({ newest: seen });
  return changed;
}

/** Documents that are remembered and no longer there are deleted. */
async function compareIds({ source, memory, apply }: Context): Promise<number> {
  let changed = 0;
  for (const mapping of MAPPINGS.filter(({ removed }) => removed)) {
    const there = await source.ids(mapping);
    const gone: SourceDocument[] = [];
    for await (const id of memory.ids(mapping.collection)) {
      if (!there.has(id)) gone.push({ mapping, id, doc: undefined });
    }
    if (gone.length > 0) changed += await apply(gone);
  }
  return changed;
}

/** What did not fit may fit now that others have come. Read anew, since it may have been corrected too. */
async function retryErrors({ source, memory, apply }: Context): Promise<void> {
  for (const mapping of MAPPINGS) {
    const ids: string[] = [];
    for await (const { id } of memory.errors(mapping.collection)) ids.push(id);
    while (ids.length > 0) await apply(await source.get(mapping, ids.splice(0, RETRIED_AT_ONCE)));
  }
}

async function followStream(context: Context, stream: SourceStream): Promise<void> {
  await compareIds(context);
  await context.save({ resumeToken: stream.token });
  while (!context.signal.aborted) {
    await stream.wait(context.signal);
    if (context.signal.aborted) return;
    const documents = stream.take();
    const { token } = stream;
    const changed = await context.apply(documents);
    if (changed > 0) await retryErrors(context);
    await context.save({ resumeToken: token, newest: newestOf(documents, context.state().newest) });
  }
}

async function poll(context: Context): Promise<void> {
  let comparedAt = 0;
  while (!context.signal.aborted) {
    let changed = await catchUp(context);
    if (Date.now() - comparedAt >= context.pollMs * COMPARED_EVERY) {
      changed += await compareIds(context);
      comparedAt = Date.now();
    }
    if (changed > 0) await retryErrors(context);
    await delay(context.pollMs, undefined, { signal: context.signal }).catch(() => undefined);
  }
}

function newestOf(documents: readonly SourceDocument[], newest: string): string {
  let found = newest;
  for (const { doc } of documents) {
    const at = doc?.[CHANGED_FIELD];
    if (at instanceof Date && at.toISOString() > found) found = at.toISOString();
  }
  return found;
}
