import { randomUUID } from 'node:crypto';
import type { Answer } from '../../replication/answer-sheet.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { centerPartition, formatId } from '../../replication/ids.ts';
import { EMPTY_LOG, type LogEntry, type LogHead, logId, nextEntry } from '../../replication/log-chain.ts';
import { hashAnswers, type ScoredQuestion, scoreSheet } from '../../replication/scoring.ts';
import { keyIdOf, makeKey, publicKeyOf, signDocument } from '../../replication/signing.ts';
import { answersDocument, questionDocument } from '../harness/documents.ts';
import type { CenterAccess } from '../harness/server.ts';
import { ask, type Answer as HttpAnswer } from '../replica/request.ts';

export const QUESTIONS = 4;
const AT = '2026-12-07T09:00:00.000Z';

/** What a node of a center writes, made by hand, so that a test can also write what no honest node would. */
export interface PlayedNode {
  readonly center: CenterAccess;
  readonly instanceId: string;
  readonly keyId: string;
  readonly publicKey: string;
  head: LogHead;
  register(publicKey?: string): Promise<HttpAnswer>;
  /** The answer sheet of candidate n. */
  sheet(n: number): StoredDocument;
  /** The signed result of candidate n; `wrong` is signed with it, whatever it says. */
  result(n: number, wrong?: object): StoredDocument;
  /** The next entry of the log. */
  log(): StoredDocument & LogEntry;
  /** Reports to the server that the log stands at `log`. */
  report(log?: LogHead): Promise<HttpAnswer>;
  push(...docs: StoredDocument[]): Promise<{ id: string; rev?: string; error?: string; reason?: string }[]>;
}

export function playNode(
  center: CenterAccess,
  { instanceId = randomUUID() as string, key = makeKey(), testId = 'T' } = {},
): PlayedNode {
  const { centerId } = center;
  const publicKey = publicKeyOf(key);
  const keyId = keyIdOf(publicKey);
  const questions = Array.from({ length: QUESTIONS }, (_, k) => questionDocument(testId, k + 1));
  const own = { nodeId: instanceId, keyId };
  const node: PlayedNode = {
    center,
    instanceId,
    keyId,
    publicKey,
    head: EMPTY_LOG,
    register: (other = publicKey) =>
      ask(center, '/_node', { method: 'PUT', body: { instanceId, publicKey: other } }),
    sheet: (n) => ({ ...answersDocument(centerId, testId, n, QUESTIONS), ...own }),
    result(n, wrong = {}) {
      const { answers, enrollmentId } = node.sheet(n) as unknown as {
        answers: Record<string, Answer>;
        enrollmentId: string;
      };
      const fields = {
        ...{ type: 'result', enrollmentId, testId, centerId, nodeId: instanceId },
        ...scoreSheet(questions as unknown as ScoredQuestion[], answers, 50),
        answersHash: hashAnswers(answers),
        ...{ startedAt: AT, submittedAt: AT, submittedBy: 'candidate', logHead: node.head },
        ...wrong,
      };
      const _id = formatId(centerPartition(centerId), 'result', enrollmentId);
      return { _id, ...signDocument(fields, key) };
    },
    log() {
      const entry = nextEntry(node.head, {
        nodeId: instanceId,
        at: AT,
        event: 'session started',
        details: {},
      });
      node.head = { n: entry.n, hash: entry.hash };
      return { _id: logId(centerId, instanceId, entry.n), ...entry };
    },
    async report(log = node.head) {
      const path = `/_local/cbt-node.${instanceId}`;
      const { _rev } = (await ask(center, path)).json as { _rev?: string };
      const body = {
        ...{ instanceId, since: '0', mode: 'manual', pendingPush: 0, documents: 0, digests: {} },
        ...{ differences: [], log, publicKey, lastPullAt: null, lastPushAt: null },
        ...{ results: { total: 3, confirmed: 2 }, reportedAt: new Date().toISOString(), _rev },
      };
      return ask(center, path, { method: 'PUT', body });
    },
    async push(...docs) {
      return (await ask(center, '/_bulk_docs', { body: { docs } })).json;
    },
  };
  return node;
}
