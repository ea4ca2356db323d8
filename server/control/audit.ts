import { canonicalHash } from '../../replication/canonical.ts';
import type { ControlStore } from './store.ts';

/** What was done, by whom, to what, and with which outcome. Each entry holds the hash of the one before. */
export interface AuditEntry {
  /** From 1 without a gap. */
  n: number;
  /** ISO 8601. */
  at: string;
  /** `<noun>.<verb>`, for example `conflict.resolved`. */
  action: string;
  /** `admin`, `server`, or `center <id>`. */
  actor: string;
  /** The address the request came from, where there was one. */
  from?: string | undefined;
  centerId?: string | undefined;
  documentId?: string | undefined;
  outcome: 'done' | 'refused' | 'failed';
  details: Record<string, unknown>;
  /** Hash of entry n - 1; 64 zeros before the first. */
  previous: string;
  /** SHA-256 over the canonical JSON of all the other fields. */
  hash: string;
}

/** What an act tells of itself; the rest is the log's. */
export type Act = Pick<AuditEntry, 'action' | 'actor' | 'details'> &
  Partial<Pick<AuditEntry, 'from' | 'centerId' | 'documentId' | 'outcome'>>;

export interface AuditFilter {
  centerId?: string | undefined;
  documentId?: string | undefined;
  action?: string | undefined;
  actor?: string | undefined;
  /** ISO 8601: only entries from then on. */
  since?: string | undefined;
  /** ISO 8601: only entries up to then. */
  until?: string | undefined;
  /** Only entries older than this number. */
  before?: number | undefined;
}

/** The append-only log of every administrative act and every operation. */
export interface AuditLog {
  /** On the disk when it resolves. */
  append(act: Act): Promise<AuditEntry>;
  /** Several acts in one write: all of them are there, or none. */
  appendAll(acts: readonly Act[]): Promise<AuditEntry[]>;
  get(n: number): Promise<AuditEntry | undefined>;
  /** The newest first. */
  list(filter?: AuditFilter): AsyncIterable<AuditEntry>;
  /** How many entries there are. */
  readonly length: number;
  /** Reads the whole chain. @returns the first break, `undefined` when there is none. */
  verify(): Promise<{ n: number; reason: string } | undefined>;
}

/** The newest entry. */
type Head = Pick<AuditEntry, 'n' | 'hash'>;

const NO_ENTRY: Head = { n: 0, hash: '0'.repeat(64) };
/** Wide enough that the keys sort as the numbers do. */
const KEY_DIGITS = 12;
/** What the keys of all entries begin with. */
const ENTRIES = '0';
/** Behind all entries: what the newest one is, so that it is missed when it goes. */
const HEAD = 'head';

export async function openAudit(store: ControlStore, now: () => Date = () => new Date()): Promise<AuditLog> {
  const space = store.space<AuditEntry | Head>('audit');
  const entryAt = (n: number) => space.get(keyOf(n)) as Promise<AuditEntry | undefined>;
  let head = (await space.last()) ?? NO_ENTRY;
  let appending: Promise<unknown> = Promise.resolve();

  async function write(acts: readonly Act[]): Promise<AuditEntry[]> {
    let last = head;
    const entries = acts.map((act) => {
      const { outcome = 'done', ...rest } = act;
      const fields = { n: last.n + 1, at: now().toISOString(), outcome, ...rest, previous: last.hash };
      const entry: AuditEntry = { ...fields, hash: canonicalHash(fields) };
      last = entry;
      return entry;
    });
    const newest = { n: last.n, hash: last.hash };
    await space.batch([
      ...entries.map((entry): [string, AuditEntry] => [keyOf(entry.n), entry]),
      [HEAD, newest],
    ]);
    head = newest;
    return entries;
  }

  function appendAll(acts: readonly Act[]): Promise<AuditEntry[]> {
    const appended = appending.then(() => write(acts));
    appending = appended.catch(() => {});
    return appended;
  }

  return {
    append: async (act) => (await appendAll([act]))[0] as AuditEntry,
    appendAll,
    get length() {
      return head.n;
    },
    get: entryAt,
    async *list({ before, since, until, ...wanted } = {}) {
      for (let n = Math.min(head.n, (before ?? Infinity) - 1); n > 0; n -= 1) {
        const entry = await entryAt(n);
        if (since !== undefined && entry && entry.at < since) return;
        if (until !== undefined && entry && entry.at > until) continue;
        if (entry && isWanted(entry, wanted)) yield entry;
      }
    },
    async verify() {
      let last = NO_ENTRY;
      for await (const [, value] of space.entries(ENTRIES)) {
        const entry = value as AuditEntry;
        const reason = breakBehind(last, entry);
        if (reason) return { n: last.n + 1, reason };
        last = entry;
      }
      if (last.n < head.n) return { n: last.n + 1, reason: `entry ${last.n + 1} is missing` };
      return last.hash === head.hash ? undefined : { n: last.n, reason: `entry ${last.n} was altered` };
    },
  };
}

function isWanted(entry: AuditEntry, wanted: Omit<AuditFilter, 'before' | 'since' | 'until'>): boolean {
  return Object.entries(wanted).every(
    ([field, value]) => value === undefined || entry[field as keyof AuditEntry] === value,
  );
}

function breakBehind(last: { n: number; hash: string }, entry: AuditEntry): string | undefined {
  if (entry.n !== last.n + 1) return `entry ${last.n + 1} is missing`;
  const { hash, ...fields } = entry;
  if (canonicalHash(fields) !== hash) return `entry ${entry.n} was altered`;
  return entry.previous === last.hash ? undefined : `entry ${entry.n} does not follow entry ${last.n}`;
}

function keyOf(n: number): string {
  return String(n).padStart(KEY_DIGITS, '0');
}
