import { centerPartition, parseId } from '../replication/ids.ts';
import { isWorkOf } from '../replication/permissions.ts';
import type { NodeParts } from './node.ts';
import { reasonMissing } from './standing.ts';

/** What keeps a machine from being wiped, each with its words for the operator. */
const REASONS = {
  'sessions run': ({ count }: Counted) => `${counted(count, 'session is', 'sessions are')} running`,
  'no result': ({ about }: Counted) => `the session of ${about} is submitted and has no result`,
  'results not confirmed': ({ count }: Counted) =>
    `the hub has not confirmed ${counted(count, 'result', 'results')}`,
  'not sent': ({ count }: Counted) => `${counted(count, 'document is', 'documents are')} not sent yet`,
  undecided: ({ count }: Counted) =>
    `${counted(count, 'refused write waits', 'refused writes wait')} for a decision`,
  differs: ({ count }: Counted) =>
    `the hub lacks or has otherwise ${counted(count, 'document', 'documents')} of this center`,
  'never compared': () => 'the replica was never compared with the hub',
  'not equal': ({ about }: Counted) =>
    `the replica and the hub were not equal when they were last compared (${about})`,
} as const;

export type WipeObstacleName = keyof typeof REASONS;
export const WIPE_OBSTACLES = Object.keys(REASONS) as [WipeObstacleName, ...WipeObstacleName[]];

interface Counted {
  count: number;
  /** An enrollment, or a time. */
  about?: string;
}

export interface WipeObstacle extends Counted {
  what: WipeObstacleName;
}

/** In words for the operator. */
export function wipeReason(obstacle: WipeObstacle): string {
  return REASONS[obstacle.what](obstacle);
}

/** Why this machine may not be wiped; none when nothing would be lost. */
export function obstaclesToWiping(parts: NodeParts): WipeObstacle[] {
  const { quarantine, unpushed, centerId } = parts;
  const own = [...unpushed.entries()].filter(([id]) => parseId(id)?.partition === centerPartition(centerId));
  const counts: WipeObstacle[] = [
    { what: 'sessions run', count: countRunningHere(parts) },
    ...sessionsWithoutResult(parts),
    { what: 'results not confirmed', count: countUndecided(parts) },
    { what: 'not sent', count: own.length },
    { what: 'undecided', count: quarantine.counts.waiting },
    ...comparison(parts),
  ];
  return counts.filter(({ count }) => count > 0);
}

function* sessionsWithoutResult({ results }: NodeParts): Generator<WipeObstacle> {
  for (const { enrollmentId, isSubmitted } of results.sessions()) {
    if (isSubmitted && !results.hasResult(enrollmentId)) {
      yield { what: 'no result', count: 1, about: enrollmentId };
    }
  }
}

/** What the last comparison with the hub says against it. */
function comparison({ quarantine, marks, differences, centerId }: NodeParts): WipeObstacle[] {
  const differing = differences
    .list()
    .filter(({ id }) => isWorkOf(centerId, id) && !quarantine.isRefused(id));
  if (differing.length > 0) return [{ what: 'differs', count: differing.length }];
  if (marks.comparedAt === null) return [{ what: 'never compared', count: 1 }];
  if (marks.equal || marks.ownEqual) return [];
  return [{ what: 'not equal', count: 1, about: marks.comparedAt }];
}

/** What was returned is at the server, and a person there has seen it: it does not keep a machine. */
function countUndecided(parts: NodeParts): number {
  const unconfirmed = new Set<string>();
  for (const result of parts.results.revisions()) {
    if (parts.quarantine.refusal(result.id, result.rev)?.state === 'returned') continue;
    if (reasonMissing(parts, result) !== undefined) unconfirmed.add(result.enrollmentId);
  }
  return unconfirmed.size;
}

/** Sessions that run at another node of the center are no reason. */
function countRunningHere({ results, exam, instanceId }: NodeParts): number {
  const running = new Set(exam.sittings.running().map(({ sitting }) => sitting.session.enrollmentId));
  for (const { enrollmentId, isRunning, nodeId } of results.sessions()) {
    if (isRunning && (nodeId === undefined || nodeId === instanceId)) running.add(enrollmentId);
  }
  return running.size;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
