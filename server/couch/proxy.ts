import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { CouchHandler } from '../../replication/couch-handler.ts';
import { sendJson } from '../../replication/couch-request.ts';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { HUB_NAME } from '../hub.ts';

/** Headers that concern one connection (RFC 9110, 7.6.1), or that name the caller to us and not to CouchDB. */
const OWN_HEADERS = new Set([
  'authorization',
  'connection',
  'cookie',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Hands requests on to the CouchDB of the hub as they come, both ways as streams: `/cbt/…` to the hub's database,
 * any other path to the server it is on. CouchDB sees the hub's credentials, never the caller's.
 */
export function createCouchProxy(
  hubUrl: string,
  { log, stopping }: { log: FastifyBaseLogger; stopping: AbortSignal },
): CouchHandler {
  const hub = new URL(hubUrl);
  const database = hub.pathname.replace(/\/$/, '');
  const authorization =
    hub.username &&
    `Basic ${Buffer.from(`${decodeURIComponent(hub.username)}:${decodeURIComponent(hub.password)}`).toString('base64')}`;
  const root = database.slice(0, database.lastIndexOf('/'));

  function targetOf(path: string): URL {
    const isHub =
      path === `/${HUB_NAME}` || path.startsWith(`/${HUB_NAME}/`) || path.startsWith(`/${HUB_NAME}?`);
    return new URL((isHub ? database + path.slice(HUB_NAME.length + 1) : root + path) || '/', hub.origin);
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const target = targetOf(request.url ?? '/');
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const upstream = send(target, {
      method: request.method ?? 'GET',
      headers: { ...forwardable(request.headers), ...(authorization && { authorization }) },
      signal: AbortSignal.any([gone.signal, stopping]),
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve).once('error', reject);
    });
    // An answer may come before the body is through, and then says why.
    const [answer] = await Promise.all([answered, pipeline(request, upstream).catch(() => undefined)]);
    response.writeHead(answer.statusCode ?? 502, forwardable(answer.headers));
    response.flushHeaders();
    await pipeline(answer, response);
  }

  return (request, response) => {
    forward(request, response).catch((error: unknown) => {
      if (response.destroyed || stopping.aborted) {
        response.destroy();
        return;
      }
      log.error({ err: error, method: request.method, url: request.url }, 'the hub does not answer');
      const unavailable = new SyncError('hub_unavailable', `the hub does not answer: ${messageOf(error)}`);
      sendJson(response, unavailable.statusCode, unavailable);
    });
  };
}

function forwardable<Headers extends NodeJS.Dict<string | string[]>>(
  headers: Headers,
): NodeJS.Dict<string | string[]> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)));
}
