import type { FastifyInstance } from 'fastify';
import { eventStream } from '../../replication/answers.ts';
import { beginEventStream, eventFrame } from '../../replication/event-stream.ts';
import type { NodeParts } from '../node.ts';
import { readStatus } from './status.ts';

/** More often nobody can read it, and a fast pull would send hundreds of them a second. */
const SHORTEST_INTERVAL_MS = 100;

/** `GET /api/events`: the status as server-sent events, now and after each change. */
export function registerEvents(app: FastifyInstance, parts: NodeParts, stopping: AbortSignal): void {
  const summary = 'Where the node stands, now and after each change, as server-sent events named `status`';
  const schema = { summary, response: { 200: eventStream } };
  app.get('/api/events', { schema }, (_request, reply) => {
    reply.hijack();
    const { raw } = reply;
    let timer: NodeJS.Timeout | undefined;
    const send = () => {
      timer = undefined;
      raw.write(eventFrame('status', readStatus(parts)));
    };
    const tell = () => {
      timer ??= setTimeout(send, SHORTEST_INTERVAL_MS);
    };
    const forget = [parts.sync.onChange(tell), parts.imports.underWay.onChange(tell)];
    beginEventStream(raw, stopping, () => {
      for (const each of forget) each();
      clearTimeout(timer);
    });
    send();
  });
}
