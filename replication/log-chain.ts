import { canonicalHash } from './canonical.ts';
import { centerPartition, formatId, parseId } from './ids.ts';

/**
 * A node's log: one document per entry, numbered from 1 without a gap; each holds the hash of the one before, so that
 * an entry that is altered, left out or put in breaks the chain at its place.
 */

/** What is logged. */
export const LOG_EVENTS = [
  'node started',
  'node restarted',
  'session started',
  'session resumed',
  'session taken over',
  'submitted',
  'extra time',
  'mode changed',
  'replicated',
  'line down',
  'line up',
  'clock jump',
  'operator refused',
  'PIN chosen',
  'identity changed',
  'package imported',
  'package made',
  'package refused',
] as const;
export type LogEvent = (typeof LOG_EVENTS)[number];

/** One entry as it is stored, without the database's own fields. */
export interface LogEntry {
  type: 'log';
  /** The instance id of the node. */
  nodeId: string;
  n: number;
  at: string;
  event: LogEvent;
  /** What the event is about, by event. */
  details: Record<string, unknown>;
  /** Hash of entry n - 1; 64 zeros before the first. */
  previous: string;
  /** SHA-256 over the canonical JSON of all the other fields. */
  hash: string;
}

/** Where a chain stands: its last entry. */
export interface LogHead {
  n: number;
  hash: string;
}

export const EMPTY_LOG: LogHead = { n: 0, hash: '0'.repeat(64) };

/** The entry that follows `head`. */
export function nextEntry(
  head: LogHead,
  { nodeId, at, event, details }: Pick<LogEntry, 'nodeId' | 'at' | 'event' | 'details'>,
): LogEntry {
  const fields = { type: 'log' as const, nodeId, n: head.n + 1, at, event, details, previous: head.hash };
  return { ...fields, hash: canonicalHash(fields) };
}

/** The id of an entry; the entries of a node sort by it. */
export function logId(centerId: string, nodeId: string, n: number): string {
  return formatId(centerPartition(centerId), 'log', `${nodeId}.${String(n).padStart(8, '0')}`);
}

const ENTRY_KEY = /^(.+)\.(\d{8})$/;

/** The place in a chain that an id stands for; `undefined` for the id of anything else. */
export function parseLogId(id: string): { nodeId: string; n: number } | undefined {
  const parts = parseId(id);
  const match = parts?.type === 'log' ? ENTRY_KEY.exec(parts.key) : null;
  return match ? { nodeId: match[1] as string, n: Number(match[2]) } : undefined;
}

/** Why `entry` does not follow `head`, `undefined` when it does. */
export function chainBreak(head: LogHead, entry: LogEntry): string | undefined {
  if (entry.n !== head.n + 1) return `entry ${head.n + 1} is missing`;
  const { _id, _rev, hash, ...fields } = entry as LogEntry & { _id?: string; _rev?: string };
  if (canonicalHash(fields) !== hash) return `entry ${entry.n} was altered`;
  if (entry.previous !== head.hash) return `entry ${entry.n} does not follow entry ${head.n}`;
  return undefined;
}
