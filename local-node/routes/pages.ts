import type { FastifyInstance, FastifyReply } from 'fastify';
import { type PageAnswer, servePage } from '../../replication/page-files.ts';

interface Served {
  path: string;
  /** Under which its files are asked for. */
  files: string;
  html: URL;
  /** The candidate's page answers every machine, the operator's as all that is not a candidate's. */
  config: { access?: 'anyone' };
}

const READ_AFTER_MS = 10_000;

const PAGES: readonly Served[] = [
  {
    path: '/exam',
    files: '/exam/files',
    html: new URL('../pages/exam/index.html', import.meta.url),
    config: { access: 'anyone' },
  },
  {
    path: '/',
    files: '/files',
    html: new URL('../pages/operator/index.html', import.meta.url),
    config: {},
  },
];

/** The candidate's page and the operator's; both ask the API like any other client. */
export function registerPages(app: FastifyInstance): void {
  for (const served of PAGES) register(app, served);
}

function register(app: FastifyInstance, { path, files, html, config }: Served): void {
  const options = { config, schema: { hide: true } };
  const page = servePage(html, files);
  // Not for processes that are gone at once; but the first candidate is not to wait for it.
  const soon = setTimeout(() => page.prepare().catch(() => {}), READ_AFTER_MS).unref();
  app.addHook('onClose', async () => clearTimeout(soon));

  app.get(path, options, async ({ headers }, reply) =>
    send(reply, await page.html(headers['accept-encoding'])),
  );

  app.get<{ Params: { '*': string } }>(`${files}/*`, options, async ({ params, headers }, reply) => {
    return send(reply, await page.file(params['*'], headers['accept-encoding']));
  });
}

function send(reply: FastifyReply, { headers, body }: PageAnswer): FastifyReply {
  return reply.headers(headers).send(body);
}
