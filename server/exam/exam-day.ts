import type { FastifyBaseLogger } from 'fastify';
import type { AuditLog } from '../control/audit.ts';
import type { ControlStore } from '../control/store.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { Hub } from '../hub.ts';
import { type Chains, openChains } from './chains.ts';
import { createLogWatch } from './log-watch.ts';
import { type NodeRecords, openNodeRecords } from './node-records.ts';
import { createNodes, type Nodes } from './nodes.ts';
import { createReceipts, type Receipts } from './receipts.ts';
import { createResults } from './results.ts';
import { createScoredTests } from './scored-tests.ts';
import { type ServerKey, serverKey } from './server-key.ts';
import { openVerdicts, type Verdicts } from './verdicts.ts';
import { startVerification, type Verification } from './verification.ts';

/** What comes up from the centers on an exam day: results and their receipts, logs, and the nodes that wrote them. */
export interface ExamDay extends AsyncDisposable {
  readonly key: Pick<ServerKey, 'keyId' | 'publicKey'>;
  readonly nodes: Nodes;
  readonly records: NodeRecords;
  readonly chains: Chains;
  readonly verdicts: Verdicts;
  readonly receipts: Receipts;
  readonly settle: Verification['settle'];
}

export interface ExamDayOptions {
  store: ControlStore;
  hub: Hub;
  feed: CenterFeed;
  audit: AuditLog;
  log: FastifyBaseLogger;
}

/** Opens what is kept of exam days, and goes on verifying. */
export async function openExamDay({ store, hub, feed, audit, log }: ExamDayOptions): Promise<ExamDay> {
  const { privateKey, ...key } = await serverKey(store);
  const marks = store.space<string>('exam-day');
  const mark = (await marks.get('handled')) ?? '';
  const records = await openNodeRecords(store);
  const chains = await openChains(store, { feed, hub });
  const verdicts = await openVerdicts(store);
  // From here on nothing waits: the feed may call at any time.
  const receipts = createReceipts({ feed, hub }, privateKey);
  const nodes = createNodes({
    records,
    audit,
    onKey: ({ centerId, keyId }) => verification.keyKnown(centerId, keyId),
  });
  const logWatch = createLogWatch({ chains, nodes, records });
  const tests = createScoredTests(feed, (testId) => verification.testChanged(testId));
  const verify = createResults({ feed, hub, tests, records, verdicts, onHeads: logWatch.named });
  const verification = startVerification({
    ...{ feed, log, verdicts, receipts, verify, logWatch, mark },
    keepMark: (handled) => marks.put('handled', handled),
  });
  return {
    key,
    nodes,
    records,
    chains,
    verdicts,
    receipts,
    settle: verification.settle,
    [Symbol.asyncDispose]: () => verification[Symbol.asyncDispose](),
  };
}
