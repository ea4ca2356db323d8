import { EMPTY_LOG } from '../../replication/log-chain.ts';
import { mayWriteId } from '../../replication/permissions.ts';
import type { PublicKey } from '../../replication/signing.ts';
import type { Copies } from '../copies.ts';
import type { Digests } from '../digests.ts';
import type { Line, LineSession } from '../line.ts';
import type { Logbook } from '../logbook.ts';
import type { FetchHooks } from '../package/first-replica.ts';
import type { NodeQuarantine } from '../quarantine.ts';
import type { Registration } from '../registration.ts';
import type { Replica } from '../replica.ts';
import type { Results } from '../results.ts';
import { readServerDigests, type ServerDigests } from '../verify.ts';
import { compareAtRest } from './compare.ts';
import type { KnownDifferences } from './differences.ts';
import type { Mode, Phase, RoundPlan } from './machine.ts';
import { readReport, report } from './report.ts';
import { pullAll, pushAll, type RoundContext } from './transfer.ts';
import type { Unpushed } from './unpushed.ts';

/** What a round works on. */
export interface RoundParts {
  centerId: string;
  /** Changes when the node finds out that it is a copy. */
  readonly instanceId: string;
  line: Line;
  replica: Replica;
  logbook: Logbook;
  results: Results;
  registration: Registration;
  copies: Copies;
  publicKey(): PublicKey;
  unpushed: Unpushed;
  digests: Digests;
  differences: KnownDifferences;
  quarantine: NodeQuarantine;
  /** Fetches an empty replica's documents as a package; false when that cannot be. */
  fetchFirst(hooks: FetchHooks): Promise<boolean>;
  /** Whether a revision comes out of a package that is being imported. */
  isImported(id: string, rev: string): boolean;
  /** How far the node has come; kept by the caller. */
  marks: SyncMarks;
  silenceMs: number;
  /** Brings what candidates have done into the replica. */
  flushWork(): Promise<void>;
}

/** Kept over restarts. */
export interface SyncMarks {
  lastPullAt: string | null;
  lastPushAt: string | null;
  /** The feed's sequence that the last pull, or an imported package, has reached. */
  since: string | null;
  /** That of an imported package, until the replicator has it in its checkpoints. */
  importedSince: string | null;
  /** A first replica that came as a package may have broken off: part of it is here. */
  isPartial: boolean;
  /** Of the replica: all up to it is pushed or came from the server. */
  pushedSeq: number;
  /** When the replica was compared with the hub, and whether they were equal. */
  comparedAt: string | null;
  equal: boolean | null;
  /** Whether nothing that was written here differed then. */
  ownEqual: boolean | null;
  /** Of the node report on the server. */
  reportRev: string | null;
  /** Whether the log says that the line is down. */
  isDown: boolean;
}

/** What a round tells while it runs. */
export interface RoundEvents {
  phase(phase: Phase): void;
  /** Documents so far; `total` of a pull where it is known. */
  progress(counts: RoundCounts): void;
  session(session: LineSession | undefined): void;
}

export interface RoundCounts {
  pushed: number;
  pulled: number;
  total: number | undefined;
}

/** Which way a round goes, and what is known before it. */
export interface RoundOptions extends RoundPlan {
  mode: Mode;
  /** Whether the last round ended well: else some of what it sent may have arrived. */
  isSettled: boolean;
  /** The first since the node was started. */
  isFirst: boolean;
}

/** Pushes, pulls, compares and reports, as far as the plan says. @throws when the line or the server fails. */
export async function runRound(
  parts: RoundParts,
  plan: RoundOptions,
  signal: AbortSignal,
  events: RoundEvents,
): Promise<RoundCounts> {
  const counts: RoundCounts = { pushed: 0, pulled: 0, total: undefined };
  const { db } = parts.replica;
  const isEmpty = (await db.info()).update_seq === 0;
  const seen = plan.isFirst ? readReport(parts, signal) : undefined;
  seen?.catch(() => {});
  let early: Promise<ServerDigests> | undefined;
  await using session = await parts.line.begin({
    signal,
    isNew: isEmpty,
    ours: () => ownWrites(parts),
    lacking: (ids) => void noteLost(parts, ids).catch(() => {}),
    ended({ digests }) {
      if (!plan.push) return;
      early = digests ? Promise.resolve({ partitions: digests }) : readServerDigests(parts.line, signal);
      // Who waits for it hears of a failure.
      early.catch(() => {});
    },
    inlineBodies: (since) =>
      since !== '0' || isEmpty || (parts.marks.since === null && !parts.marks.isPartial),
  });
  events.session(session);
  const context: RoundContext = { parts, session, signal, counts, events };
  try {
    if (isEmpty && plan.pull) await beginReplica(context);
    await meet(context, seen);
    if (plan.push && !isEmpty) await pushAll(context, { ask: !plan.isSettled });
    if (plan.pull) await pullAll(context);
    const checkpointed = session.settled();
    checkpointed.catch(() => {});
    await parts.unpushed.noted(Number((await db.info()).update_seq));
    parts.marks.pushedSeq = parts.unpushed.mark;
    if (plan.push && plan.pull) {
      events.phase('compare');
      await compareAtRest(context, early);
    }
    if (plan.pull) await report(parts, plan.mode, signal);
    await checkpointed;
    await parts.copies.settled();
    return counts;
  } finally {
    events.session(undefined);
  }
}

/** An empty replica is filled from a package; where that cannot be, from the feed's beginning, asked for at once. */
async function beginReplica({ parts, session, signal, counts, events }: RoundContext): Promise<void> {
  events.phase('pull');
  const isFetched = await parts.fetchFirst({
    signal,
    begun: session.ahead,
    progress(documents) {
      counts.pulled = documents;
      events.progress(counts);
      // Alongside, so that little is left to be read when the last document has come.
      void parts.digests.catchUp(parts.replica.db).catch(() => {});
    },
  });
  if (isFetched) return;
  // From the start, though all was pulled once before: a comparison of revisions finds that little is missing.
  session.ahead('0');
  void countPending(parts.line, signal, counts, events);
}

/**
 * Both sides make sure of each other, as far as there is something new; else it costs no round trip of its own.
 * @param seen this node's report as the server has it, to be looked at once.
 */
async function meet(
  { parts, session, signal }: RoundContext,
  seen: ReturnType<typeof readReport> | undefined,
): Promise<void> {
  const { registration, results, copies, logbook, marks } = parts;
  if (seen) await copies.compare((await seen)?.log ?? EMPTY_LOG);
  await registration.ensure(results.unknownKeyId, signal);
  if (!marks.isDown) return;
  await session.ready;
  marks.isDown = false;
  await logbook.note('line up');
}

/**
 * What came down is not sent up again, though the server may have lost it: it would refuse it. An enrollment has
 * fields of both sides.
 */
async function ownWrites({ replica, unpushed, centerId }: RoundParts): Promise<(id: string) => boolean> {
  await unpushed.noted(Number((await replica.db.info()).update_seq));
  return (id) => mayWriteId(centerId, id) || unpushed.has(id);
}

/** A result that has its receipt was at the hub once: a server that lacks it was put back from a backup. */
async function noteLost({ differences, results }: RoundParts, lacking: readonly string[]): Promise<void> {
  const ids = new Set(lacking);
  const lost = [...results.revisions()].filter((one) => ids.has(one.id) && results.hasReceipt(one));
  await differences.add(lost.map(({ id }) => ({ id, problem: 'added' as const })));
}

/** For the progress of a first pull; nobody waits for it. */
async function countPending(
  line: Line,
  signal: AbortSignal,
  counts: RoundCounts,
  events: RoundEvents,
): Promise<void> {
  const info = await line
    .request<{ doc_count: number; doc_del_count: number }>('GET', '', undefined, signal)
    .catch(() => undefined);
  if (!info) return;
  counts.total = info.doc_count + info.doc_del_count;
  events.progress(counts);
}
