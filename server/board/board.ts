import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import {
  centerOfPartition,
  formatId,
  parseId,
  testOfPartition,
  testPartition,
} from '../../replication/ids.ts';
import { createCenters } from '../control/centers.ts';
import { readDocuments } from '../control/hub-documents.ts';
import { readCenterReadiness } from '../control/readiness.ts';
import type { CenterAnswer } from '../control/schemas.ts';
import { statusOf } from '../control/sync-status.ts';
import type { CoreParts } from '../parts.ts';
import type { BoardAnswer, BoardCenter, BoardChange, BoardSample, BoardTest } from './schemas.ts';
import { createSpeeds } from './speed.ts';

/** Every center and test at a glance, kept up as centers come and documents change. */
export interface Board extends AsyncDisposable {
  read(): Promise<BoardAnswer>;
  /** A center as it stands at this moment. @throws SyncError not_found. */
  readCenter(centerId: string): Promise<BoardCenter>;
  /** Hears of what has changed, several centers at once. */
  onChange(listener: (change: BoardChange) => void): () => void;
}

/** How often what may have changed is looked at again. */
const LOOK_MS = 1000;
/** A request that is still under way when a center is looked at is seen by the next look. */
const OVERLAP_MS = 3000;
/** Everything is looked at so often: time alone makes a center silent. */
const ALL_MS = 60_000;
const SAMPLE_MS = 15_000;
/** Eight hours. */
const SAMPLES_KEPT = 1920;
const SILENT_AFTER_MS = 60 * 60_000;
/** Centers that are read at the same time: the rest of the server goes on in between. */
const TOGETHER = 20;

export function openBoard(parts: CoreParts, log: FastifyBaseLogger): Board {
  const { feed, hub, credentials, quarantine, operations } = parts;
  const centers = createCenters(parts);
  const rows = new Map<string, BoardCenter>();
  const listed = new Map<string, CenterAnswer>();
  const touched = new Set<string>();
  const listeners = new Set<(change: BoardChange) => void>();
  const speeds = createSpeeds();
  const samples: BoardSample[] = [];
  const stop = new AbortController();
  let tests: BoardTest[] = [];
  let isAllTouched = true;
  let lastLookMs = 0;
  let lastAllMs = 0;
  let lastSampleMs = 0;
  let looking: Promise<void> | undefined;

  feed.onApplied((documents) => {
    for (const { partition } of documents) {
      const centerId = centerOfPartition(partition);
      if (centerId !== undefined) touched.add(centerId);
      else if (testOfPartition(partition) === undefined) isAllTouched = true;
      else touchTest(testOfPartition(partition) as string);
    }
  });

  // A replica's checkpoint is left by whoever holds it.
  const operating = operations.listen({ reported: (centerId) => void touched.add(centerId) });

  function touchTest(testId: string): void {
    for (const { centerId, assigned } of listed.values())
      if (assigned.includes(testId)) touched.add(centerId);
  }

  /** The centers that may stand otherwise than they did. */
  async function takeTouched(nowMs: number): Promise<CenterAnswer[]> {
    isAllTouched ||= nowMs - lastAllMs > ALL_MS;
    const heardSince = lastLookMs - OVERLAP_MS;
    for (const centerId of listed.keys()) {
      const seen = credentials.lastSeenAt(centerId);
      if (seen !== null && Date.parse(seen) > heardSince) touched.add(centerId);
    }
    const isListed = [...touched].every((centerId) => listed.has(centerId));
    if (isAllTouched || !isListed) await list();
    if (isAllTouched) lastAllMs = nowMs;
    const wanted = [...listed.values()].filter(({ centerId }) => isAllTouched || touched.has(centerId));
    isAllTouched = false;
    touched.clear();
    lastLookMs = nowMs;
    return wanted;
  }

  async function list(): Promise<void> {
    listed.clear();
    for (const center of await centers.list()) listed.set(center.centerId, center);
  }

  async function readRow(center: CenterAnswer, now: Date): Promise<BoardCenter> {
    const { centerId } = center;
    const { assigned } = feed.scope(centerId);
    const quarantined = await countWaiting(centerId);
    const status = await statusOf(parts, center, quarantined);
    const options = { silentAfterMs: SILENT_AFTER_MS, now };
    const readiness = await readCenterReadiness(parts, centerId, assigned, options);
    speeds.seen(centerId, status.pendingPull, now.getTime());
    const lacking = status.pendingPull ?? status.documents;
    return {
      ...status,
      tests: readiness.map(({ testId, state, text, behind }) => ({ testId, state, text, behind })),
      secondsLeft: lacking === 0 ? 0 : (speeds.secondsFor(centerId, lacking) ?? null),
    };
  }

  async function countWaiting(centerId: string): Promise<number> {
    let count = 0;
    for await (const { state } of quarantine.list(centerId)) if (state === 'waiting') count += 1;
    return count;
  }

  async function readTests(): Promise<BoardTest[]> {
    const ids = new Set([...rows.values()].flatMap((row) => row.tests.map(({ testId }) => testId)));
    const documentIds = [...ids].map((testId) => formatId(testPartition(testId), 'test', testId));
    const docs = await readDocuments(hub, documentIds);
    const found = documentIds.map((id): BoardTest => {
      const { title, startsAt, endsAt } = (docs.get(id) ?? {}) as Partial<BoardTest>;
      const testId = parseId(id)?.key as string;
      return { testId, title: title ?? testId, startsAt: startsAt ?? null, endsAt: endsAt ?? null };
    });
    return found.sort((a, b) => ((a.startsAt ?? '') + a.testId < (b.startsAt ?? '') + b.testId ? -1 : 1));
  }

  async function look(): Promise<void> {
    const now = new Date();
    const wanted = await takeTouched(now.getTime());
    const changed: BoardCenter[] = [];
    for (let from = 0; from < wanted.length && !stop.signal.aborted; from += TOGETHER) {
      const group = wanted.slice(from, from + TOGETHER);
      const read = await Promise.all(group.map((center) => readRow(center, now)));
      for (const row of read) if (keep(row)) changed.push(row);
    }
    const gone = [...rows.keys()].filter((centerId) => !listed.has(centerId));
    for (const centerId of gone) rows.delete(centerId);
    await tell({ centers: changed, gone }, now);
  }

  /** @returns whether it stands otherwise than before. */
  function keep(row: BoardCenter): boolean {
    const before = rows.get(row.centerId);
    rows.set(row.centerId, row);
    return JSON.stringify(before) !== JSON.stringify(row);
  }

  async function tell(change: BoardChange, now: Date): Promise<void> {
    const told: BoardChange = { ...change };
    if (change.centers.length + change.gone.length > 0) {
      const read = await readTests();
      if (JSON.stringify(read) !== JSON.stringify(tests)) told.tests = read;
      tests = read;
    }
    if (now.getTime() - lastSampleMs >= SAMPLE_MS) {
      told.sample = takeSample(now);
      lastSampleMs = now.getTime();
    }
    if (told.centers.length + told.gone.length === 0 && !told.sample) return;
    for (const listener of listeners) listener(told);
  }

  function takeSample(now: Date): BoardSample {
    const sample = { at: now.toISOString(), results: 0, pendingPull: 0, pendingPush: 0, syncs: 0 };
    const before = new Date(lastSampleMs).toISOString();
    for (const { results, pendingPull, pendingPush, lastPullAt, lastPushAt } of rows.values()) {
      sample.results += results.stored;
      sample.pendingPull += pendingPull ?? 0;
      sample.pendingPush += pendingPush ?? 0;
      if ((lastPullAt ?? '') > before || (lastPushAt ?? '') > before) sample.syncs += 1;
    }
    samples.push(sample);
    if (samples.length > SAMPLES_KEPT) samples.shift();
    return sample;
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const running = (async () => {
    while (!stop.signal.aborted) {
      await delay(LOOK_MS, undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted || !feed.ready) continue;
      await lookOnce().catch((error) => log.error({ err: error }, 'the board was not brought up to date'));
    }
  })();

  return {
    async read() {
      if (lastLookMs === 0) await lookOnce();
      return {
        tests,
        centers: [...rows.values()].sort((a, b) => (a.centerId < b.centerId ? -1 : 1)),
        samples,
        usualSpeed: speeds.usual ?? null,
      };
    },
    readCenter: async (centerId) => readRow(await centers.get(centerId), new Date()),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      operating[Symbol.dispose]();
      await running;
      await looking?.catch(() => {});
    },
  };
}
