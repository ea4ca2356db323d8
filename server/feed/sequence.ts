import { SyncError } from '../../replication/errors.ts';
import { parseSequenceParts } from '../../replication/sequence-order.ts';

/**
 * A place in a center's changes. `at` is a position of the index; `sub` orders the rows that stand at one position:
 * 0 for the ordinary row, the original position for a row that is caught up there, `Infinity` after the last of them.
 */
export interface Place {
  readonly at: number;
  readonly sub: number;
}

export const START: Place = { at: 0, sub: Number.POSITIVE_INFINITY };

/** A place as a sequence token: opaque to clients, and bound to the index that made it. */
export function formatSequence(place: Place, indexId: string): string {
  return place.sub === Number.POSITIVE_INFINITY
    ? `${place.at}-${indexId}`
    : `${place.at}.${place.sub}-${indexId}`;
}

/**
 * Reads a token back. A token of another index, or a plain number, is another database's sequence: the client starts
 * over, which costs it one comparison of revisions. @throws SyncError bad_request for anything else.
 */
export function parseSequence(token: string, indexId: string): Place {
  if (/^\d*$/.test(token)) return START;
  const parts = parseSequenceParts(token);
  if (!parts)
    throw new SyncError('bad_request', `since is not a sequence of this feed: ${token.slice(0, 80)}`);
  return parts.database === indexId ? { at: parts.at, sub: parts.sub } : START;
}

/** Whether `place` comes after `since`. */
export function isAfter(place: Place, since: Place): boolean {
  return place.at > since.at || (place.at === since.at && place.sub > since.sub);
}

/** Whether a token was made by this index. */
export function isTokenOf(token: unknown, indexId: string): boolean {
  return typeof token === 'string' && parseSequenceParts(token)?.database === indexId;
}
