import type { StoredDocument } from '../../replication/documents.ts';
import { centerPartition, formatId, isIdPart } from '../../replication/ids.ts';
import { isObject } from '../../replication/json.ts';
import type { LogHead } from '../../replication/log-chain.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { Hub } from '../hub.ts';
import { readAncestors, readLiveLeaves } from './leaves.ts';
import type { NodeRecords } from './node-records.ts';
import type { ScoredTests } from './scored-tests.ts';
import { examineResult } from './verdict.ts';
import type { Verdict, Verdicts } from './verdicts.ts';

/** Enrollments whose results are verified together: a few look-ups in the hub for all of them. */
const BATCH = 50;

/** Where a node's log stood when it made a result. */
export interface NamedHead {
  instanceId: string;
  head: LogHead;
  by: string;
}

export interface ResultsOptions {
  feed: Pick<CenterFeed, 'entries' | 'bodies'>;
  hub: Pick<Hub, 'db'>;
  tests: ScoredTests;
  records: Pick<NodeRecords, 'key'>;
  verdicts: Verdicts;
  /** Called with what results that are new say of their nodes' logs. */
  onHeads(centerId: string, heads: NamedHead[]): Promise<void>;
}

/** Verifies the results of these enrollments, each live leaf of them. What is verified already is left alone. */
export type VerifyResults = (centerId: string, enrollmentIds: readonly string[]) => Promise<void>;

export function createResults(options: ResultsOptions): VerifyResults {
  const { feed, hub, tests, records, verdicts, onHeads } = options;

  async function evidenceOf(centerId: string, enrollmentIds: readonly string[]) {
    const idOf = (type: string, id: string) => formatId(centerPartition(centerId), type, id);
    const results = await readLiveLeaves(
      { feed, hub },
      enrollmentIds.map((id) => idOf('result', id)),
    );
    const sheets = await readLiveLeaves(
      { feed, hub },
      enrollmentIds.map((id) => idOf('answers', id)),
    );
    const enrollments = await feed.bodies(enrollmentIds.map((id) => idOf('enrollment', id)));
    return enrollmentIds.map((enrollmentId, index) => ({
      enrollmentId,
      results: results.get(idOf('result', enrollmentId)) ?? [],
      sheets: sheets.get(idOf('answers', enrollmentId)) ?? [],
      sheetId: idOf('answers', enrollmentId),
      enrollment: enrollments[index] && (JSON.parse(enrollments[index].body) as StoredDocument),
    }));
  }

  type Gathered = Awaited<ReturnType<typeof evidenceOf>>[number];

  async function verdictOn(centerId: string, result: StoredDocument, given: Gathered): Promise<Verdict> {
    const { enrollmentId, enrollment, sheets, sheetId } = given;
    const key = typeof result.keyId === 'string' ? records.key(result.keyId) : undefined;
    const test = typeof result.testId === 'string' ? await tests.get(result.testId) : undefined;
    const evidence = { centerId, enrollmentId, key, enrollment, test, sheets };
    let findings = examineResult(result, evidence);
    if (findings.score === 'waiting for answers' && sheets.length > 0) {
      // The sheet may have gone on, or have been merged with another node's, since the result was made of it.
      findings = examineResult(result, { ...evidence, sheets: await readAncestors({ hub }, sheetId) });
    }
    return { ...identified(centerId, enrollmentId, result), ...findings };
  }

  async function verifySome(centerId: string, enrollmentIds: readonly string[]): Promise<void> {
    // Before anything is read: what arrives from here on is noticed.
    for (const enrollmentId of enrollmentIds) verdicts.expect(centerId, enrollmentId);
    const heads: NamedHead[] = [];
    const all = new Map<string, Verdict[]>();
    for (const given of await evidenceOf(centerId, enrollmentIds)) {
      const { enrollmentId, results } = given;
      const known = new Map(
        (await verdicts.of(centerId, enrollmentId)).map((verdict) => [verdict.rev, verdict]),
      );
      const found: Verdict[] = [];
      for (const result of results) {
        const before = known.get(result._rev as string);
        known.delete(result._rev as string);
        found.push(before?.state === 'verified' ? before : await verdictOn(centerId, result, given));
        if (!before) heads.push(...headOf(enrollmentId, result));
      }
      const superseded = [...known.values()].map((one) => ({ ...one, state: 'superseded' as const }));
      all.set(enrollmentId, [...found, ...superseded]);
    }
    await onHeads(centerId, heads);
    await verdicts.save(centerId, all);
  }

  return async (centerId, enrollmentIds) => {
    for (let from = 0; from < enrollmentIds.length; from += BATCH) {
      await verifySome(centerId, enrollmentIds.slice(from, from + BATCH));
    }
  };
}

const REPORTED = ['score', 'maximumScore', 'percent', 'passed', 'counts'];

function identified(centerId: string, enrollmentId: string, result: StoredDocument) {
  const given = (field: string) => {
    const value = result[field];
    return typeof value === 'string' ? { [field]: value } : {};
  };
  const reported = REPORTED.filter((field) => result[field] !== undefined);
  return {
    centerId,
    enrollmentId,
    rev: result._rev as string,
    ...given('testId'),
    ...given('nodeId'),
    ...given('keyId'),
    ...given('submittedAt'),
    reported: Object.fromEntries(reported.map((field) => [field, result[field]])),
    checkedAt: new Date().toISOString(),
  };
}

function headOf(enrollmentId: string, { nodeId, logHead }: StoredDocument): NamedHead[] {
  if (typeof nodeId !== 'string' || !isIdPart(nodeId) || !isObject(logHead)) return [];
  const { n, hash } = logHead;
  if (!Number.isInteger(n) || typeof hash !== 'string') return [];
  return [{ instanceId: nodeId, head: { n: Number(n), hash }, by: `the result of ${enrollmentId}` }];
}
