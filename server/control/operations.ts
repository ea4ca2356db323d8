import type { FastifyBaseLogger } from 'fastify';
import type { AuditLog } from './audit.ts';
import type { ControlStore } from './store.ts';

export type Direction = 'download' | 'upload';

/** One replication of a center, as the server saw it. Times are ISO 8601. */
export interface Operation {
  /** Sorts as the operations ended; `running` while it has not. */
  id: string;
  centerId: string;
  type: Direction;
  startedAt: string;
  /** `null` while it runs. */
  endedAt: string | null;
  /** `interrupted`: it went silent without a checkpoint. */
  status: 'running' | 'completed' | 'interrupted' | 'failed';
  /** Documents that were handed out, or stored. */
  records: number;
  /** Documents that were refused and are in the quarantine. */
  refused: number;
  error: string | null;
  /** The address it came from. */
  from: string | null;
}

/** Who wants to know what centers do. */
export interface OperationsListener {
  /** Operations that have ended and are on the disk. */
  ended?(operations: Operation[]): void;
  /** A center has left a checkpoint or a report. */
  reported?(centerId: string): void;
}

/**
 * The centers' replications, told from their requests: documents begin one, and it ends when the center is silent
 * after a checkpoint. Kept in memory while it runs, and then in the control store, the newest of each center.
 */
export interface Operations extends AsyncDisposable {
  /** A request came from this address. */
  heard(centerId: string, from: string): void;
  transferred(centerId: string, type: Direction, documents: { records: number; refused?: number }): void;
  checkpoint(centerId: string, type: Direction): void;
  /** A node has told where it stands. */
  report(centerId: string): void;
  failed(centerId: string, type: Direction, error: string): void;
  /** The newest first, what runs at the top. `before` is an operation's id. */
  list(centerId: string, page: { before?: string | undefined; limit: number }): Promise<Operation[]>;
  /** Ended operations of all centers that are still kept, after the id `after`, in order. */
  endedAfter(after: string): AsyncIterable<Operation>;
  /** Begins to keep what a reader of `endedAfter` has not taken, for as long as it may come back, within bounds. */
  keepForReader(): OperationsReader;
  listen(listener: OperationsListener): Disposable;
}

/** One that may be away for hours; dispose of it when it will not come back. */
export interface OperationsReader extends Disposable {
  /** It has taken all operations up to this id. */
  taken(id: string): void;
}

interface Running {
  operation: Operation;
  isCheckpointed: boolean;
  lastAt: number;
}

export interface OperationsOptions {
  store: ControlStore;
  audit: AuditLog;
  log: FastifyBaseLogger;
  /** How long a center is silent after a checkpoint until its operation has ended. */
  quietMs?: number;
  now?: () => number;
}

const QUIET_MS = 2000;
/** Without a checkpoint a center may be at work on what it has got. */
const LOST_MS = 60_000;
const SWEEP_MS = 500;
const KEPT_PER_CENTER = 200;
/** With what a reader has not taken: a day of a center that replicates every half minute. */
const KEPT_FOR_READERS = 3000;
const RUNNING = 'running';

export async function openOperations(options: OperationsOptions): Promise<Operations> {
  const { store, audit, log, quietMs = QUIET_MS, now = Date.now } = options;
  const space = store.space<Operation>('operations');
  const kept = new Map<string, string[]>();
  let newest = '';
  for await (const [, { centerId, id }] of space.entries()) {
    idsOf(kept, centerId).push(id);
    if (id > newest) newest = id;
  }
  const running = new Map<string, Running>();
  const addresses = new Map<string, string>();
  const listeners = new Set<OperationsListener>();
  const readers = new Set<{ takenTo: string }>();
  let saving: Promise<void> = Promise.resolve();

  function begin(centerId: string, type: Direction): Running {
    const known = running.get(`${centerId}/${type}`);
    if (known) return known;
    const at = now();
    const begun: Running = {
      operation: {
        id: RUNNING,
        centerId,
        type,
        startedAt: new Date(at).toISOString(),
        endedAt: null,
        status: 'running',
        records: 0,
        refused: 0,
        error: null,
        from: addresses.get(centerId) ?? null,
      },
      isCheckpointed: false,
      lastAt: at,
    };
    running.set(`${centerId}/${type}`, begun);
    return begun;
  }

  function end(key: string, { operation, isCheckpointed, lastAt }: Running): Operation {
    running.delete(key);
    const status = operation.error !== null ? 'failed' : isCheckpointed ? 'completed' : 'interrupted';
    // Later than every other, whatever the clock says.
    const [lastMs = 0, lastCount = 0] = newest.split('-').map(Number);
    newest = lastMs < now() ? idAt(now(), 0) : idAt(lastMs, lastCount + 1);
    return { ...operation, id: newest, status, endedAt: new Date(lastAt).toISOString() };
  }

  function sweep(all = false): void {
    const ended: Operation[] = [];
    for (const [key, entry] of running) {
      const silentMs = now() - entry.lastAt;
      const isOver = entry.isCheckpointed || entry.operation.error !== null;
      if (all || silentMs >= (isOver ? quietMs : LOST_MS)) ended.push(end(key, entry));
    }
    if (ended.length > 0) saving = saving.then(() => save(ended)).catch(complain);
  }

  async function save(ended: Operation[]): Promise<void> {
    const entries: [string, Operation | undefined][] = [];
    const isTaken = (id = '') => [...readers].every(({ takenTo }) => id <= takenTo);
    for (const operation of ended) {
      const { centerId, id } = operation;
      const ids = idsOf(kept, centerId);
      ids.push(id);
      entries.push([`${centerId}/${id}`, operation]);
      while (ids.length > (isTaken(ids[0]) ? KEPT_PER_CENTER : KEPT_FOR_READERS)) {
        entries.push([`${centerId}/${ids.shift()}`, undefined]);
      }
    }
    await space.batch(entries);
    await audit.appendAll(ended.map(actOf));
    for (const listener of listeners) listener.ended?.(ended);
  }

  function complain(error: unknown): void {
    log.error({ err: error }, 'operations of centers could not be kept');
  }

  const timer = setInterval(() => running.size > 0 && sweep(), SWEEP_MS).unref();

  return {
    heard: (centerId, from) => void addresses.set(centerId, from),
    transferred(centerId, type, { records, refused = 0 }) {
      if (records + refused === 0) return;
      const entry = begin(centerId, type);
      entry.operation.records += records;
      entry.operation.refused += refused;
      // What is not checkpointed yet is under way.
      Object.assign(entry, { lastAt: now(), isCheckpointed: false });
    },
    checkpoint(centerId, type) {
      const entry = running.get(`${centerId}/${type}`);
      if (entry) Object.assign(entry, { lastAt: now(), isCheckpointed: true });
      for (const listener of listeners) listener.reported?.(centerId);
    },
    report(centerId) {
      for (const listener of listeners) listener.reported?.(centerId);
    },
    failed(centerId, type, error) {
      const entry = begin(centerId, type);
      entry.operation.error = error;
      entry.lastAt = now();
    },
    async list(centerId, { before, limit }) {
      const present = [...running.values()].map(({ operation }) => operation);
      const ofCenter = before === undefined ? present.filter((one) => one.centerId === centerId) : [];
      const ids = idsOf(kept, centerId).filter((id) => before === undefined || id < before);
      const newestIds = ids.slice(-limit).reverse();
      const stored = await space.getMany(newestIds.map((id) => `${centerId}/${id}`));
      return [...ofCenter, ...stored.filter((operation) => operation !== undefined)].slice(0, limit);
    },
    async *endedAfter(after) {
      const keys = [...kept].flatMap(([centerId, ids]) =>
        ids.filter((id) => id > after).map((id) => ({ id, key: `${centerId}/${id}` })),
      );
      for (const { key } of keys.sort((a, b) => (a.id < b.id ? -1 : 1))) {
        const operation = await space.get(key);
        if (operation) yield operation;
      }
    },
    keepForReader() {
      const reader = { takenTo: '' };
      readers.add(reader);
      return {
        taken(id) {
          reader.takenTo = id;
        },
        [Symbol.dispose]: () => void readers.delete(reader),
      };
    },
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      sweep(true);
      await saving;
    },
  };
}

function idsOf(kept: Map<string, string[]>, centerId: string): string[] {
  const keys = kept.get(centerId) ?? [];
  kept.set(centerId, keys);
  return keys;
}

function idAt(ms: number, count: number): string {
  return `${String(ms).padStart(14, '0')}-${String(count).padStart(6, '0')}`;
}

function actOf({ centerId, type, status, from, startedAt, endedAt, records, refused, error }: Operation) {
  return {
    action: `replication.${type}`,
    actor: `center ${centerId}`,
    centerId,
    outcome: status === 'completed' ? ('done' as const) : ('failed' as const),
    ...(from === null ? {} : { from }),
    details: { status, startedAt, endedAt, records, refused, ...(error === null ? {} : { error }) },
  };
}
