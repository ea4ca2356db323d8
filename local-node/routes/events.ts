import type { FastifyInstance } from 'fastify';
import type { NodeParts } from '../node.ts';
import { readStatus } from './status.ts';

/** More often nobody can read it, and a fast pull would send hundreds of them a second. */
const SHORTEST_INTERVAL_MS = 100;
const HEARTBEAT_MS = 15_000;

/** `GET /api/events`: the status as server-sent events, now and after each change. */
export function registerEvents(app: FastifyInstance, parts: NodeParts, stopping: AbortSignal): void {
  app.get('/api/events', { schema: { hide: true } }, (request, reply) => {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    });
    let timer: NodeJS.Timeout | undefined;
    const send = () => {
      timer = undefined;
      raw.write(`event: status\ndata: ${JSON.stringify(readStatus(parts))}\n\n`);
    };
    const forget = parts.sync.onChange(() => {
      timer ??= setTimeout(send, SHORTEST_INTERVAL_MS);
    });
    const heartbeat = setInterval(() => raw.write(':\n\n'), HEARTBEAT_MS);
    const end = () => raw.end();
    stopping.addEventListener('abort', end, { once: true });
    request.raw.once('close', () => {
      forget();
      clearInterval(heartbeat);
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
    });
    send();
  });
}
