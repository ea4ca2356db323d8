import { centerOfPartition, parseId } from '../../replication/ids.ts';
import type { Operation } from '../control/operations.ts';
import type { HubChange } from '../hub-follower.ts';

export type EventType =
  | 'enrollment.created'
  | 'enrollment.updated'
  | 'enrollment.cancelled'
  | 'test.assigned'
  | 'test.withdrawn'
  | 'session.started'
  | 'session.submitted'
  | 'result.received'
  | 'conflict.found'
  | 'conflict.resolved'
  | 'sync.completed'
  | 'sync.failed';

/** What has happened, before it has its place in the log. */
export interface Happening {
  type: EventType;
  testCenter: string;
  data: Record<string, unknown>;
}

/** An event as other programs get it. */
export interface SyncEvent extends Happening {
  /** `<milliseconds>-<count>`, rising: a reader goes on after the last one it has seen. */
  id: string;
  /** ISO 8601. */
  timestamp: string;
  /** Of this format. */
  version: 1;
}

/** What was last told of a document, so that a change that comes twice is told once. */
export interface Told {
  rev: string;
  /** `live` or `gone`, or the status of an assignment or a session. */
  state: string;
  isInConflict?: true;
}

/**
 * What a change of the hub means for those who listen. Pure.
 * @returns what happened, and what is then told of the document; `undefined` for a document nobody hears of.
 */
export function happeningsOf(
  change: HubChange,
  before: Told | undefined,
): { happenings: Happening[]; told: Told } | undefined {
  const id = parseId(change.id);
  const testCenter = id && centerOfPartition(id.partition);
  if (!id || testCenter === undefined || !change.doc) return undefined;
  const rev = String(change.doc._rev);
  const state = stateOf(id.type, change);
  const isInConflict = change.conflicts.length > 0;
  const types: EventType[] = before?.rev === rev ? [] : typesOf(id.type, before?.state, state);
  if (isInConflict && !before?.isInConflict) types.push('conflict.found');
  if (!isInConflict && before?.isInConflict) types.push('conflict.resolved');
  const data = { documentId: change.id, rev, ...namesOf(id.type, id.key, change) };
  return {
    happenings: types.map((type) => ({ type, testCenter, data })),
    told: { rev, state, ...(isInConflict ? { isInConflict } : {}) },
  };
}

function stateOf(type: string, { doc }: HubChange): string {
  if (!doc || doc._deleted) return 'gone';
  if (type === 'assignment') return String(doc.status);
  if (type !== 'session') return 'live';
  return doc.status === 'submitted' || doc.submittedAt !== undefined ? 'submitted' : 'running';
}

function typesOf(type: string, before: string | undefined, state: string): EventType[] {
  const was = before ?? 'gone';
  if (type === 'enrollment') {
    if (state === 'gone') return was === 'gone' ? [] : ['enrollment.cancelled'];
    return [was === 'gone' ? 'enrollment.created' : 'enrollment.updated'];
  }
  if (was === state) return [];
  if (type === 'assignment') {
    if (state === 'assigned') return ['test.assigned'];
    return was === 'assigned' ? ['test.withdrawn'] : [];
  }
  if (type === 'result' && state === 'live') return ['result.received'];
  if (type !== 'session') return [];
  if (state === 'submitted') return ['session.submitted'];
  return state === 'running' && was === 'gone' ? ['session.started'] : [];
}

/** Names only: whoever may see the document can read it. */
function namesOf(type: string, key: string, { doc }: HubChange): Record<string, unknown> {
  if (type === 'assignment') return { testId: key };
  if (type === 'log') return {};
  const testId = typeof doc?.testId === 'string' ? { testId: doc.testId } : {};
  return { enrollmentId: key, ...testId };
}

/** What a replication that has ended is to those who listen. */
export function happeningOf({ centerId, type, status, records, error, id }: Operation): Happening {
  return {
    type: status === 'completed' ? 'sync.completed' : 'sync.failed',
    testCenter: centerId,
    data: { operationId: id, direction: type, records, ...(error === null ? {} : { error }) },
  };
}
