import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { SyncError } from '../replication/errors.ts';
import type { ServerParts } from './parts.ts';

/** Health for a supervisor, metrics for Prometheus. Both are open: they name no document and no center. */
export function registerObservability(app: FastifyInstance, parts: ServerParts): void {
  const registry = createMetrics(app, parts);

  app.get('/health/live', async () => ({ status: 'live' }));

  app.get('/health/ready', async () => {
    if (parts.stopping.aborted) throw new SyncError('not_ready', 'the server is stopping');
    if (!parts.feed.ready) throw new SyncError('not_ready', 'the feed index is behind the hub');
    return { status: 'ready' };
  });

  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return registry.metrics();
  });
}

function createMetrics(app: FastifyInstance, parts: ServerParts): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'cbt_requests_total',
    help: 'Answered HTTP requests, by the class of their status.',
    labelNames: ['status'] as const,
    registers,
  });
  const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'].map((status) => requests.labels(status));
  // On the server, not as a Fastify hook: a hook costs every request a walk through its runner.
  app.server.on('request', (_request, response) => {
    response.once('close', () => classes[Math.trunc(response.statusCode / 100) - 1]?.inc());
  });
  new Gauge({
    name: 'cbt_hub_documents',
    help: 'Live documents in the hub.',
    registers,
    async collect() {
      this.set((await parts.hub.db.info()).doc_count);
    },
  });
  new Gauge({
    name: 'cbt_centers',
    help: 'Centers that have a secret.',
    registers,
    collect() {
      this.set(parts.credentials.list().length);
    },
  });
  new Gauge({
    name: 'cbt_quarantine_entries',
    help: 'Refused writes that are kept in quarantine.',
    registers,
    async collect() {
      let entries = 0;
      for await (const _entry of parts.quarantine.list()) entries += 1;
      this.set(entries);
    },
  });
  return registry;
}
