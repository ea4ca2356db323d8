import { createApiClient } from '../../../replication/api-client.ts';
import { assignmentDocument, centerShare, subjectDocument, wholeTest } from '../../harness/documents.ts';
import { type FaultProxy, openFaultProxy } from '../../harness/fault-proxy.ts';
import { finishedSitting } from '../../harness/finished.ts';
import { type NodeProcess, startNode } from '../../harness/node.ts';
import { type ServerProcess, startServer } from '../../harness/server.ts';
import { until } from '../../harness/until.ts';
import { ready } from '../hubs.ts';
import { counted, type Measurement, scaled, seconds, times } from '../row.ts';

const LINE = { roundTripMs: 300, bitsPerSecond: 1_000_000 };
const CENTER = 'FAR-001';
const TEST = 'SCI-P1';
const QUESTIONS = 100;
const LONGEST_MS = 300_000;

interface HandedOver {
  /** Until the last result was in the hub. */
  seconds: number;
  /** What the bytes that were sent until then need at this bandwidth. */
  leastSeconds: number;
  /** Until the node had the receipts, and both sides were shown to be equal. */
  confirmedSeconds: number;
}

/** The evening of an exam day at a far center. */
export const resultsUp: Measurement = {
  name: 'results-up',
  description: 'results of 250 candidates, 100 answers each, over 300 ms round trip and 1 Mbit/s',
  async measure(scale, say) {
    const candidates = scaled(250, scale);
    say('ours, from our node');
    const ours = await handOver(candidates);
    const ratio = ours.seconds / ours.leastSeconds;
    return [
      {
        what: `results of ${counted(candidates)} candidates, ${QUESTIONS} answers each, over 300 ms and 1 Mbit/s`,
        ours: seconds(ours.seconds),
        stock: '',
        ratio: '',
        target: '',
        met: true,
      },
      {
        what: '  against what the bytes alone need',
        ours: times(ratio),
        stock: '',
        ratio: '',
        target: '≤ 1.3×',
        met: ratio <= 1.3,
      },
      {
        what: '  until every one is confirmed, and both sides are shown to be equal',
        ours: seconds(ours.confirmedSeconds),
        stock: '',
        ratio: '',
        target: '',
        met: true,
      },
    ];
  },
};

async function handOver(candidates: number): Promise<HandedOver> {
  await using server = await startServer();
  await ready(server);
  const center = await server.addCenter(CENTER);
  await server.importDocuments([
    subjectDocument('SCI'),
    ...wholeTest(TEST, QUESTIONS),
    ...centerShare(CENTER, TEST, candidates),
    assignmentDocument(TEST, CENTER),
  ]);
  await using line = await openFaultProxy(server.url);
  await using node = await startNode({ server: line.url, center });
  await node.replicate();
  await writeSittings(node, candidates);
  return await measure({ server, line, node, candidates });
}

async function measure({
  server,
  line,
  node,
  candidates,
}: {
  server: ServerProcess;
  line: FaultProxy;
  node: NodeProcess;
  candidates: number;
}): Promise<HandedOver> {
  line.set(LINE);
  const before = line.bytes.up;
  const start = performance.now();
  const passed = () => (performance.now() - start) / 1000;
  const round = node.replicate();
  const arrived = until(async () => (await countResults(server)) === candidates, {
    what: 'every result is in the hub',
    withinMs: LONGEST_MS,
  }).then(() => ({ seconds: passed(), leastSeconds: ((line.bytes.up - before) * 8) / LINE.bitsPerSecond }));
  await round;
  const confirmedSeconds = passed();
  const { results } = await node.api.request<{ results: { confirmed: number } }>('GET', '/api/status');
  if (results.confirmed !== candidates) throw new Error(`${results.confirmed} results are confirmed`);
  return { ...(await arrived), confirmedSeconds };
}

async function writeSittings(node: NodeProcess, candidates: number): Promise<void> {
  const options = { centerId: CENTER, testId: TEST, questions: QUESTIONS };
  const docs = Array.from({ length: candidates }, (_, n) => finishedSitting(n + 1, options)).flat();
  const replica = createApiClient({ url: node.replicaUrl, authorization: '' });
  await replica.request('POST', `${new URL(node.replicaUrl).pathname}/_bulk_docs`, { docs });
}

async function countResults(server: ServerProcess): Promise<number> {
  const prefix = `center-${CENTER}:result`;
  const range = `startkey="${prefix}:"&endkey="${prefix};"`;
  const { rows } = await server.api.request<{ rows: object[] }>('GET', `/couch/cbt/_all_docs?${range}`);
  return rows.length;
}
