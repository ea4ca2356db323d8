import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { SyncError } from '../../replication/errors.ts';
import type { NodeParts } from '../node.ts';
import type { StatusAnswer } from './schemas.ts';
import { readStatus } from './status.ts';

const GAUGES: [name: string, help: string, read: (status: StatusAnswer) => number][] = [
  ['cbt_node_documents', 'Live documents in the replica.', (status) => status.documents],
  ['cbt_node_pending_push', 'Documents written here and not pushed yet.', (status) => status.pendingPush],
  ['cbt_node_quarantine_entries', 'Refused writes that are kept.', (status) => status.quarantined],
  [
    'cbt_node_quarantine_waiting',
    'Refused writes that wait for a decision.',
    (status) => status.quarantine.waiting,
  ],
  ['cbt_node_sessions_running', 'Sessions that run.', (status) => status.sessions.running],
  ['cbt_node_results', 'Results in the replica.', (status) => status.results.total],
  ['cbt_node_results_confirmed', 'Results that the hub has confirmed.', (status) => status.results.confirmed],
  [
    'cbt_node_may_be_wiped',
    '1 when wiping this machine would lose nothing.',
    (status) => Number(status.wipe.allowed),
  ],
  [
    'cbt_node_differences',
    'Documents that differ from the hub.',
    (status) => status.verification.differences.length,
  ],
  [
    'cbt_node_line_up',
    '1 when the last exchange with the server went well.',
    (status) => Number(status.line === 'up'),
  ],
  [
    'cbt_node_last_pull_seconds',
    'Unix time of the last complete pull.',
    (status) => seconds(status.lastPullAt),
  ],
  [
    'cbt_node_last_push_seconds',
    'Unix time of the last complete push.',
    (status) => seconds(status.lastPushAt),
  ],
];

/** Health for a supervisor, metrics for Prometheus. A node without a line is ready: that is an ordinary state. */
export function registerObservability(app: FastifyInstance, parts: NodeParts, stopping: AbortSignal): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const [name, help, read] of GAUGES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(readStatus(parts)));
      },
    });
  }

  app.get('/health/live', { config: { access: 'anyone' } }, async () => ({ status: 'live' }));

  app.get('/health/ready', { config: { access: 'anyone' } }, async () => {
    if (stopping.aborted) throw new SyncError('not_ready', 'the node is stopping');
    // Throws while the replica is closed for a repair.
    void parts.replica.db;
    return { status: 'ready' };
  });

  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return registry.metrics();
  });
}

function seconds(time: string | null): number {
  return time === null ? 0 : Date.parse(time) / 1000;
}
