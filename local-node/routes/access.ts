import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SyncError } from '../../replication/errors.ts';
import { PAGE_HEADER } from '../../replication/page-files.ts';
import { isLoopback } from '../guess-limit.ts';
import type { Operator } from '../operator.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Who may call a route: `anyone` who reaches the node; the `operator`, by PIN; `owner` (the operator, and whoever
     * sits at the machine as long as no PIN is set). Without it: from this machine anyone, from others the operator.
     */
    access?: 'anyone' | 'operator' | 'owner';
  }
}

export interface AccessOptions {
  operator: Operator;
  /** Known to processes of the same user on this machine, by the file that the node leaves. */
  token: string;
  /** Called for each wrong PIN. */
  refused(address: string): void;
}

/**
 * Lets each caller do what is his. A node that serves candidates is reached from their machines: of what it has, only
 * the candidate's routes answer there without the operator's PIN. The PIN comes as HTTP Basic, `operator:<PIN>`.
 */
export function registerAccess(app: FastifyInstance, { operator, token, refused }: AccessOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config;
    if (access === 'anyone') return;
    const isHere = isLoopback(request.ip);
    const isOpen = access === undefined || (access === 'owner' && !operator.hasPin);
    if (isHere && isOpen) return;
    try {
      await identify(request, operator, token);
    } catch (error) {
      if (error instanceof SyncError && error.code === 'unauthorized') {
        if (request.headers[PAGE_HEADER] === undefined) {
          reply.header('www-authenticate', 'Basic realm="operator"');
        }
        if (request.headers.authorization !== undefined) refused(request.ip);
      }
      throw error;
    }
  });
}

async function identify({ headers, ip }: FastifyRequest, operator: Operator, token: string): Promise<void> {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ', 2);
  if (scheme.toLowerCase() === 'bearer' && value === token) return;
  if (scheme.toLowerCase() !== 'basic') {
    throw new SyncError('unauthorized', 'the operator’s PIN is needed (HTTP Basic, operator:<PIN>)');
  }
  const pair = Buffer.from(value, 'base64').toString('utf8');
  await operator.check(pair.slice(pair.indexOf(':') + 1), ip);
}
