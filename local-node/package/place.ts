import { SyncError } from '../../replication/errors.ts';
import type { Manifest } from '../../replication/package/manifest.ts';
import { compareSequences, ZERO } from '../../replication/sequence-order.ts';

/**
 * Where a package takes the replica: the sequence that it then has reached, `undefined` when that stays as it is.
 * @param here the sequence that the replica has reached, null for none.
 * @throws SyncError package_out_of_order when something is missing between the replica and the package.
 */
export function reachedWith(
  { kind, since, through, tests, madeAt }: Manifest,
  here: string | null,
): string | undefined {
  if (kind === 'receipts') return undefined;
  const gap = compareSequences(since, here ?? ZERO);
  if (gap === 1 || gap === undefined) {
    throw new SyncError(
      'package_out_of_order',
      `the package of ${madeAt} goes on from ${since}, and this replica has come to ${here ?? 'nothing'}: ` +
        'what is between the two is missing',
    );
  }
  // Without the other tests the replica has not reached what the package has.
  if (tests !== undefined) return undefined;
  // Of another index of the server's: not comparable, and it holds all there is.
  const order = compareSequences(through, here ?? ZERO);
  return order === 1 || order === undefined ? through : undefined;
}
