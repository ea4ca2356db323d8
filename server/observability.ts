import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { SyncError } from '../replication/errors.ts';
import type { MirrorStatus } from './mirrors/mirror.ts';
import type { ServerParts } from './parts.ts';

/** How long a hub may take that is ready to be asked. */
const HUB_DEADLINE_MS = 5000;

/** Health for a supervisor, metrics for Prometheus. Both are open: they name no document and no center. */
export function registerObservability(app: FastifyInstance, parts: ServerParts): void {
  const registry = createMetrics(app, parts);

  app.get('/health/live', async () => ({ status: 'live' }));

  app.get('/health/ready', async () => {
    if (parts.stopping.aborted) throw new SyncError('not_ready', 'the server is stopping');
    if (parts.unwritable.aborted) {
      throw new SyncError('insufficient_storage', 'the disk was full: nothing is stored until there is room');
    }
    const reached = parts.hub.db.info().then(() => true);
    if (!(await Promise.race([reached, delay(HUB_DEADLINE_MS, false, { ref: false })]))) {
      throw new SyncError('hub_unavailable', 'the hub does not answer in time');
    }
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
    help: 'Refused writes that wait in quarantine for a decision.',
    registers,
    async collect() {
      let entries = 0;
      for await (const { state } of parts.quarantine.list()) if (state === 'waiting') entries += 1;
      this.set(entries);
    },
  });
  new Gauge({
    name: 'cbt_results',
    help: 'Stored results, by what verifying them has come to.',
    labelNames: ['state'] as const,
    registers,
    collect() {
      const all = parts.exam.verdicts.centers().map((centerId) => parts.exam.verdicts.counts(centerId));
      for (const state of ['verified', 'flagged', 'waiting'] as const) {
        this.set(
          { state },
          all.reduce((sum, counts) => sum + counts[state], 0),
        );
      }
    },
  });
  new Gauge({
    name: 'cbt_nodes_suspected',
    help: 'Nodes that seem to be rolled back or cloned.',
    registers,
    collect() {
      this.set(parts.exam.records.suspected);
    },
  });
  addMirrors(registry, parts);
  addIngest(registry, parts);
  return registry;
}

function addMirrors(registry: Registry, { mirrors }: ServerParts): void {
  if (mirrors.length === 0) return;
  const gauge = (name: string, help: string, read: (status: MirrorStatus) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: ['mirror'] as const,
      registers: [registry],
      async collect() {
        for (const mirror of mirrors) {
          const value = read(await mirror.status());
          if (value !== null) this.set({ mirror: mirror.name }, value);
        }
      },
    });
  gauge('cbt_mirror_up', 'Whether the mirror follows the hub.', ({ state }) => Number(state === 'following'));
  gauge('cbt_mirror_behind_documents', 'Changes not mirrored yet.', (status) => status.behindDocuments);
  gauge('cbt_mirror_behind_seconds', 'How long it has been behind.', (status) => status.behindSeconds);
}

function addIngest(registry: Registry, { ingest }: ServerParts): void {
  if (!ingest) return;
  const registers = [registry];
  new Gauge({
    name: 'cbt_ingest_up',
    help: 'Whether ingest follows its source.',
    registers,
    async collect() {
      this.set(Number((await ingest.status()).state !== 'down'));
    },
  });
  new Gauge({
    name: 'cbt_ingest_errors',
    help: 'Documents of the source that do not fit.',
    registers,
    async collect() {
      this.set((await ingest.status()).errors);
    },
  });
}
