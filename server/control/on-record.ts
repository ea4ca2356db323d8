import { messageOf, SyncError } from '../../replication/errors.ts';
import type { ServerParts } from '../parts.ts';
import type { Act } from './audit.ts';

/** An administrator's, where it does not say whose. */
type Attempt = Omit<Act, 'actor' | 'outcome'> & Partial<Pick<Act, 'actor'>>;
type Parts = Pick<ServerParts, 'audit' | 'log'>;

/** Runs an act and puts it on record, also when it is refused or fails. */
export async function onRecord<Result>(
  parts: Parts,
  act: Attempt,
  run: () => Promise<Result>,
): Promise<Result> {
  const result = await failureOnRecord(parts, act, run);
  await parts.audit.append({ actor: 'admin', ...act });
  return result;
}

/** The same for an act that puts itself on record when it is done. @throws what `run` throws, recorded or not. */
export async function failureOnRecord<Result>(
  { audit, log }: Parts,
  act: Attempt,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    const isRefused = error instanceof SyncError && error.statusCode < 500;
    const details = { ...act.details, reason: messageOf(error) };
    const outcome = isRefused ? 'refused' : 'failed';
    await audit
      .append({ actor: 'admin', ...act, details, outcome })
      .catch((failure) =>
        log.error({ err: failure, action: act.action }, 'a failure is not in the audit log'),
      );
    throw error;
  }
}
