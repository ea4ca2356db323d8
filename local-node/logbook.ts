import { randomUUID } from 'node:crypto';
import {
  EMPTY_LOG,
  type LogEntry,
  type LogEvent,
  type LogHead,
  logId,
  nextEntry,
  parseLogId,
} from '../replication/log-chain.ts';
import { read } from './exam/candidates.ts';
import type { Replica, ReplicaChange } from './replica.ts';
import type { NodeState, StateOperation } from './state.ts';

/** The node's log of an exam day: a chain of documents that replicate like any other. */
export interface Logbook extends AsyncDisposable {
  /** The last entry of the chain. */
  readonly head: LogHead;
  /** Adds an entry; on the disk when it returns. Entries that are added at the same time share one write. */
  append(event: LogEvent, details?: Record<string, unknown>): Promise<LogEntry>;
  /**
   * Adds an entry ahead of the next one that is appended, or at the next `flush`: for what replication itself has to
   * tell, which must not be a document that waits to be replicated, nor the first one of an empty replica.
   */
  note(event: LogEvent, details?: Record<string, unknown>): Promise<void>;
  flush(): Promise<void>;
  /** Whether a change of the replica is an entry of this node's own chain that this node did not write. */
  isForeign(change: Pick<ReplicaChange, 'id' | 'revs'>): boolean;
  /** Whether the chain once ended so; what another copy of this node has written says no. */
  hasWritten(head: LogHead): Promise<boolean>;
  /** Begins a new chain under a new instance id; its first entry names the old chain, and why it was left. */
  startOver(reason: string): Promise<void>;
}

export interface LogbookOptions {
  state: NodeState;
  replica: Replica;
  centerId: string;
  now?: () => Date;
}

type Noted = Pick<LogEntry, 'event' | 'details' | 'at'>;

interface Waiting {
  /** Absent: only what was noted is to be written. */
  entry?: Noted;
  /** The chain is left, for a new one that begins with `entry`. */
  leaves?: boolean;
  resolve(entry: LogEntry | undefined): void;
  reject(error: unknown): void;
}

/** Opens the log where it ended; entries that were meant to be written when the last run was killed are written now. */
export async function openLogbook({
  state,
  replica,
  centerId,
  now = () => new Date(),
}: LogbookOptions): Promise<Logbook> {
  const heads = state.space<LogHead>('log-head');
  const notes = state.space<Noted>('log-note');
  const meant = state.space<LogEntry>('log-unwritten');
  let head = (await heads.get('head')) ?? EMPTY_LOG;
  const unwritten = new Map<string, LogEntry>();
  for await (const [key, entry] of meant.entries()) unwritten.set(key, entry);
  const deferred = new Map<string, Noted>();
  for await (const [key, noted] of notes.entries()) deferred.set(key, noted);
  let noteCount = Number([...deferred.keys()].at(-1) ?? 0);
  let done: StateOperation[] = [];
  const waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;

  /** Puts entries behind `last`: in the node's state first, from where they are written if the node is killed. */
  async function enter(
    group: readonly Noted[],
    nodeId: string,
    last: LogHead,
    commit: (operations: StateOperation[]) => Promise<void>,
  ): Promise<LogEntry[]> {
    let end = last;
    const entries = group.map((noted) => {
      const entry = nextEntry(end, { nodeId, ...noted });
      end = { n: entry.n, hash: entry.hash };
      return entry;
    });
    const puts = entries.map((entry) => meant.putting(keyOf(entry), entry));
    await commit([...done, ...puts, heads.putting('head', end)]);
    done = [];
    head = end;
    for (const entry of entries) unwritten.set(keyOf(entry), entry);
    return entries;
  }

  /** Enters what was noted, and the entries that wait behind it. @returns the latter. */
  async function enterAll(group: readonly Noted[]): Promise<LogEntry[]> {
    const noted = [...deferred];
    if (noted.length + group.length === 0) return [];
    const gone = noted.map(([key]) => notes.deleting(key));
    const all = [...noted.map(([, one]) => one), ...group];
    const entries = await enter(all, state.instanceId, head, (puts) => state.batch([...gone, ...puts]));
    for (const [key] of noted) deferred.delete(key);
    return entries.slice(noted.length);
  }

  async function leave(first: Noted): Promise<LogEntry[]> {
    const { instanceId } = state;
    const details = { ...first.details, instanceId, head };
    const nodeId = randomUUID();
    return enter([{ ...first, details }], nodeId, EMPTY_LOG, (puts) => state.rename(nodeId, puts));
  }

  /** Writes the documents of the entries; one that is there already, from before a kill, stays as it is. */
  async function store(): Promise<void> {
    const entries = [...unwritten];
    if (entries.length === 0) return;
    const docs = entries.map(([, entry]) => ({
      _id: logId(centerId, entry.nodeId, entry.n),
      _rev: revisionOf(entry),
      ...entry,
    }));
    const failures = await replica.db.bulkDocs(docs as never, { new_edits: false });
    if (failures.length > 0) throw failures[0];
    for (const [key] of entries) {
      unwritten.delete(key);
      done.push(meant.deleting(key));
    }
  }

  /** The entries that can be written together: a chain that is left is left by itself. */
  function takeGroup(): Waiting[] {
    const border = waiting.findIndex(({ leaves }) => leaves);
    if (border === 0) return waiting.splice(0, 1);
    return waiting.splice(0, border < 0 ? waiting.length : border);
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = takeGroup();
      const wanted = group.flatMap(({ entry }) => (entry ? [entry] : []));
      try {
        const entries = await (group[0]?.leaves ? leave(wanted[0] as Noted) : enterAll(wanted));
        await store();
        const own = entries[Symbol.iterator]();
        for (const one of group) one.resolve(one.entry && own.next().value);
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    writing = undefined;
  }

  function write(what: Pick<Waiting, 'entry' | 'leaves'>): Promise<LogEntry | undefined> {
    return new Promise((resolve, reject) => {
      waiting.push({ ...what, resolve, reject });
      writing ??= writeAll();
    });
  }

  function noteOf(event: LogEvent, details: Record<string, unknown> = {}): Noted {
    return { event, details, at: now().toISOString() };
  }

  if (unwritten.size > 0) await store();
  return {
    get head() {
      return head;
    },
    append: (event, details) => write({ entry: noteOf(event, details) }) as Promise<LogEntry>,
    async note(event, details) {
      noteCount += 1;
      const key = String(noteCount).padStart(12, '0');
      const noted = noteOf(event, details);
      deferred.set(key, noted);
      await notes.put(key, noted);
    },
    async flush() {
      if (deferred.size > 0 || unwritten.size > 0) await write({});
    },
    isForeign({ id, revs }) {
      const place = parseLogId(id);
      if (place?.nodeId !== state.instanceId) return false;
      if (place.n > head.n || revs.length > 1) return true;
      return place.n === head.n && revs[0] !== revisionOf(head);
    },
    async hasWritten({ n, hash }) {
      if (n === 0) return true;
      if (n >= head.n) return n === head.n && hash === head.hash;
      const entry = await read(replica, logId(centerId, state.instanceId, n));
      // One that was lost on the disk says nothing.
      return entry === undefined || entry.hash === hash;
    },
    async startOver(reason) {
      await write({ entry: noteOf('identity changed', { reason }), leaves: true });
    },
    async [Symbol.asyncDispose]() {
      await writing;
      // Written again at the next start they would change nothing, and cost a write.
      await state.batch(done).catch(() => {});
    },
  };
}

/** Of the entry's own content, so that writing it twice is writing it once, and another entry in its place shows. */
function revisionOf({ hash }: { hash: string }): string {
  return `1-${hash.slice(0, 32)}`;
}

function keyOf({ nodeId, n }: LogEntry): string {
  return `${nodeId}.${String(n).padStart(8, '0')}`;
}
