import type { FastifyInstance, FastifyReply } from 'fastify';
import { type PageAnswer, servePage } from '../../replication/page-files.ts';
import { welcomeOf } from '../couch/routes.ts';
import type { ServerParts } from '../parts.ts';

const FILES = '/files';

/**
 * The administrator's page at `/`, for browsers; CouchDB's clients get its greeting there. The page is open as any is;
 * what it asks needs a session.
 */
export function registerPages(app: FastifyInstance, parts: ServerParts): void {
  const options = { schema: { hide: true } };
  const page = servePage(new URL('./index.html', import.meta.url), FILES);

  app.get('/', options, async ({ headers }, reply) => {
    reply.header('vary', 'accept');
    if (!headers.accept?.includes('text/html')) return reply.send(welcomeOf(parts));
    return send(reply, await page.html(headers['accept-encoding']));
  });

  app.get<{ Params: { '*': string } }>(`${FILES}/*`, options, async ({ params, headers }, reply) => {
    return send(reply, await page.file(params['*'], headers['accept-encoding']));
  });
}

function send(reply: FastifyReply, { headers, body }: PageAnswer): FastifyReply {
  return reply.headers(headers).send(body);
}
