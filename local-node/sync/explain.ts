import { type ErrorCode, messageOf, SyncError } from '../../replication/errors.ts';

/** Why a replication failed, in one line. A refused secret will be refused again: there is no hurry. */
export function explain(error: unknown): { code: ErrorCode; reason: string; permanent: boolean } {
  const { status, name, reason } = error as { status?: number; name?: string; reason?: unknown };
  const isRefused = status === 401 || status === 403 || name === 'unauthorized' || name === 'forbidden';
  const isRefusedHere = error instanceof SyncError && ['unauthorized', 'forbidden'].includes(error.code);
  if (isRefused || isRefusedHere) {
    return {
      code: 'forbidden',
      reason:
        'the server refuses this center’s secret; run "cbt-node setup" again with the new one, then start the node anew',
      permanent: true,
    };
  }
  const code = error instanceof SyncError ? error.code : 'internal_error';
  return { code, reason: typeof reason === 'string' ? reason : messageOf(error), permanent: false };
}
