import type { Digests } from '../digests.ts';
import type { Line, LineSession } from '../line.ts';
import type { NodeQuarantine } from '../quarantine.ts';
import type { Replica } from '../replica.ts';
import {
  compareWithServer,
  type FoundDifference,
  isWithoutDigests,
  readServerDigests,
  type ServerDigests,
} from '../verify.ts';
import type { KnownDifferences } from './differences.ts';
import type { Mode, Phase, RoundPlan } from './machine.ts';
import { type Denied, pull, push, type ReplicationHooks } from './replication.ts';
import { report } from './report.ts';
import type { Unpushed } from './unpushed.ts';

/** What a round works on. */
export interface RoundParts {
  centerId: string;
  instanceId: string;
  line: Line;
  replica: Replica;
  unpushed: Unpushed;
  digests: Digests;
  differences: KnownDifferences;
  quarantine: NodeQuarantine;
  /** How far the node has come; kept by the caller. */
  marks: SyncMarks;
  silenceMs: number;
}

/** Kept over restarts. */
export interface SyncMarks {
  lastPullAt: string | null;
  lastPushAt: string | null;
  /** The feed's sequence that the last pull has reached. */
  since: string | null;
  /** Of the replica: all up to it is pushed or came from the server. */
  pushedSeq: number;
  /** When the replica was compared with the hub, and whether they were equal. */
  comparedAt: string | null;
  equal: boolean | null;
  /** Of the node report on the server. */
  reportRev: string | null;
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

/** How often the two sides are compared again when they differ: what is under way settles in between. */
const COMPARISONS = 3;

/** Pushes, pulls, compares and reports, as far as the plan says. @throws when the line or the server fails. */
export async function runRound(
  parts: RoundParts,
  plan: RoundPlan,
  mode: Mode,
  signal: AbortSignal,
  events: RoundEvents,
): Promise<RoundCounts> {
  const counts: RoundCounts = { pushed: 0, pulled: 0, total: undefined };
  const { db } = parts.replica;
  const isEmpty = (await db.info()).update_seq === 0;
  let early: Promise<ServerDigests> | undefined;
  await using session = await parts.line.begin({
    signal,
    ended({ digests }) {
      if (!plan.push) return;
      early = digests ? Promise.resolve({ partitions: digests }) : readServerDigests(parts.line, signal);
      // Who waits for it hears of a failure.
      early.catch(() => {});
    },
    // From the start, though all was pulled once before: a comparison of revisions finds that little is missing.
    ...(isEmpty && plan.pull ? { firstPage: '0' } : {}),
    inlineBodies: (since) => since !== '0' || isEmpty || parts.marks.since === null,
  });
  events.session(session);
  try {
    if (isEmpty) void countPending(parts.line, signal, counts, events);
    if (plan.push && !isEmpty) await pushAll(parts, session, signal, counts, events);
    if (plan.pull) await pullAll(parts, session, signal, counts, events);
    const checkpointed = session.settled();
    checkpointed.catch(() => {});
    await parts.unpushed.noted(Number((await db.info()).update_seq));
    parts.marks.pushedSeq = parts.unpushed.mark;
    if (plan.push && plan.pull) {
      events.phase('compare');
      await compareAtRest(parts, session, signal, early);
    }
    if (plan.pull) await report(parts, mode, signal);
    await checkpointed;
    return counts;
  } finally {
    events.session(undefined);
  }
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

async function pushAll(
  parts: RoundParts,
  { remote }: LineSession,
  signal: AbortSignal,
  counts: RoundCounts,
  events: RoundEvents,
): Promise<void> {
  events.phase('push');
  const refused: Denied[] = [];
  const before = counts.pushed;
  const hooks = hooksOf(parts, signal, (written) => {
    counts.pushed = before + written;
    events.progress(counts);
  });
  const seq = await push(parts.replica.db, remote, parts.centerId, {
    ...hooks,
    denied: (document) => void refused.push(document),
  }).finally(() => quarantineAll(parts, refused));
  parts.unpushed.settle(seq);
  parts.marks.lastPushAt = new Date().toISOString();
}

/** What the server has refused is sent only once: it must be in the quarantine before anything else happens. */
async function quarantineAll({ replica, quarantine }: RoundParts, refused: Denied[]): Promise<void> {
  for (const { id, rev, reason } of refused) {
    const doc = await replica.db
      .get(id, rev === undefined ? {} : { rev })
      .catch((error: { status?: number }) => {
        if (error.status !== 404) throw error;
        return undefined;
      });
    await quarantine.add({ id, rev: rev ?? doc?._rev ?? '', reason, doc });
  }
}

async function pullAll(
  parts: RoundParts,
  { remote }: LineSession,
  signal: AbortSignal,
  counts: RoundCounts,
  events: RoundEvents,
): Promise<void> {
  events.phase('pull');
  const before = counts.pulled;
  const hooks = hooksOf(parts, signal, (written) => {
    counts.pulled = before + written;
    events.progress(counts);
    // Alongside, so that little is left to be read when the last document has come.
    void parts.digests.catchUp(parts.replica.db).catch(() => {});
  });
  parts.marks.since = await pull(parts.replica.db, remote, hooks);
  parts.marks.lastPullAt = new Date().toISOString();
}

function hooksOf(
  { silenceMs }: RoundParts,
  signal: AbortSignal,
  progress: (written: number) => void,
): ReplicationHooks {
  return { signal, progress, stallMs: 20 * silenceMs };
}

/**
 * Compares the replica with the hub. Both go on changing meanwhile, so a difference counts only when it stays the same
 * over another replication.
 */
async function compareAtRest(
  parts: RoundParts,
  session: LineSession,
  signal: AbortSignal,
  early: Promise<ServerDigests> | undefined,
): Promise<void> {
  const { line, replica, digests, differences, unpushed, marks } = parts;
  let before = new Map<string, FoundDifference>();
  for (let attempt = 1; ; attempt += 1) {
    await digests.catchUp(replica.db);
    let found: Map<string, FoundDifference>;
    try {
      const hub = attempt === 1 && early ? early : readServerDigests(line, signal);
      found = await compareWithServer(line, digests, await hub, signal);
    } catch (error) {
      if (isWithoutDigests(error)) return;
      throw error;
    }
    const settled = [...found.values()].filter(
      (one) => !unpushed.has(one.id) && (differences.isKnown(one) || isSame(one, before.get(one.id))),
    );
    if (settled.length === found.size || attempt === COMPARISONS) {
      await differences.replace(settled);
      marks.comparedAt = new Date().toISOString();
      marks.equal = found.size === 0;
      return;
    }
    before = found;
    const quiet: RoundEvents = { phase() {}, progress() {}, session() {} };
    const counts: RoundCounts = { pushed: 0, pulled: 0, total: undefined };
    await pushAll(parts, session, signal, counts, quiet);
    await pullAll(parts, session, signal, counts, quiet);
  }
}

function isSame(one: FoundDifference, other: FoundDifference | undefined): boolean {
  return other !== undefined && one.here === other.here && one.there === other.there;
}
