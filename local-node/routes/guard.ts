import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SyncError } from '../../replication/errors.ts';

/**
 * Keeps web pages in the operator's browser out. A page of another site can send requests here, so what changes
 * something must come from the node's own page; and it can give its own host name this machine's address, so requests
 * must name a host that only this machine goes by.
 */
export function registerGuard(app: FastifyInstance, host: string): void {
  const names = new Set(['localhost', host, hostname(), `${hostname()}.local`]);

  app.addHook('onRequest', async (request) => {
    const name = hostOf(request);
    if (!names.has(name) && isIP(name.replace(/^\[|\]$/g, '')) === 0) {
      throw new SyncError('forbidden', `this node does not go by the name ${name}`);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') refuseOtherSites(request);
  });
}

function refuseOtherSites({ headers }: FastifyRequest): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  const isOther = origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
  if (isOther || site === 'cross-site' || site === 'same-site') {
    throw new SyncError('forbidden', 'this comes from a page of another site');
  }
}

function hostOf({ headers }: FastifyRequest): string {
  return (headers.host ?? '').replace(/:\d+$/, '');
}
