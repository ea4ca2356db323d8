import type { FastifyReply, FastifyRequest } from 'fastify';
import { SyncError } from '../../replication/errors.ts';
import type { Identity } from '../control/credentials.ts';
import { isCenter } from '../control/known-centers.ts';
import type { ServerParts } from '../parts.ts';
import { isToken } from './access.ts';
import { createAttempts } from './attempts.ts';

/** Finds out who asks, and slows down who guesses. */
export type Admit = (
  request: FastifyRequest,
  reply: FastifyReply,
  authorization: string | undefined,
) => Promise<Identity>;

/**
 * One that was right before is let in however often others failed from the same address: nobody locks a center out.
 * @throws SyncError unauthorized, too_many_requests with `Retry-After`.
 */
export function createAdmit({ access, credentials }: Pick<ServerParts, 'access' | 'credentials'>): Admit {
  const attempts = createAttempts();
  return async (request, reply, authorization) => {
    const known = credentials.known(authorization);
    if (known) return known;
    const name = nameOf(authorization);
    const waitSeconds = attempts.waitSeconds(name, request.ip, Date.now());
    if (waitSeconds > 0) {
      reply.header('retry-after', waitSeconds);
      throw new SyncError('too_many_requests', `too many wrong credentials: wait ${waitSeconds} seconds`);
    }
    const identity = await access.identify(authorization);
    if (identity) return identity;
    // Nobody guesses a token; one that has expired is no attempt.
    if (authorization !== undefined && !isToken(authorization)) attempts.failed(name, request.ip, Date.now());
    throw new SyncError(
      'unauthorized',
      'a center’s secret, the admin token, or a token of /auth/token is needed',
    );
  };
}

/** A center's program comes to its own center only; whether another one exists is not told. */
export async function expectCenter(
  parts: Pick<ServerParts, 'credentials' | 'feed'>,
  identity: Identity,
  centerId: string,
): Promise<void> {
  if (identity.role === 'center' && identity.centerId !== centerId) {
    throw new SyncError('forbidden', 'this is another center’s');
  }
  if (identity.role === 'admin' && !(await isCenter(parts, centerId))) {
    throw new SyncError('not_found', `there is no center ${centerId}`);
  }
}

/** Whom an `Authorization` header claims to speak for; what is no center's is the administrator's. */
function nameOf(authorization: string | undefined): string {
  const basic = /^basic\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return 'admin';
  return Buffer.from(basic, 'base64').toString('utf8').split(':', 1)[0] ?? '';
}
