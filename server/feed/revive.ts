import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { StoredDocument } from '../../replication/documents.ts';
import { testPartition } from '../../replication/ids.ts';
import type { Hub } from '../hub.ts';
import { type Assignment, type Entry, keys, type Level } from './partition-log.ts';
import { assignmentOf, type FeedState, setAssignment } from './state.ts';

const BATCH = 200;
const RETRY_MS = 5000;

/** Brings tests that were assigned again back to life. */
export interface Reviver extends AsyncDisposable {
  /** Looks for what there is to do; calls while it works make it look once more. */
  wake(): void;
}

/**
 * Tests that were assigned again after a withdrawal: the center's replica holds tombstones over the leaves that the
 * hub still has. Each such document is touched, with a new revision of the same content, and so lives again there.
 * Done when all of the test's documents are newer than the assignment; begun anew after a failure or a crash.
 */
export function createReviver(
  { hub, log }: { hub: Hub; log: FastifyBaseLogger },
  level: Level,
  state: FeedState,
  fresh: () => Promise<void>,
): Reviver {
  const stop = new AbortController();
  let wanted = false;
  let running: Promise<void> | undefined;

  async function reviveAll(): Promise<void> {
    for (const [centerId, testId, assignment] of assignedAgain(state)) {
      if (stop.signal.aborted) return;
      await touchOlder(hub, level, testId, assignment.since);
      await fresh();
      await state.exclusively(() => settle(level, state, centerId, testId, assignment));
    }
  }

  async function work(): Promise<void> {
    while (wanted && !stop.signal.aborted) {
      wanted = false;
      try {
        await reviveAll();
      } catch (error) {
        log.error(
          { err: error },
          'touching the documents of a test assigned again failed; it is tried again',
        );
        wanted = true;
        await delay(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
    running = undefined;
  }

  return {
    wake() {
      wanted ||= assignedAgain(state).length > 0;
      if (wanted) running ??= work();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

function assignedAgain(state: FeedState): [centerId: string, testId: string, assignment: Assignment][] {
  return [...state.assignments].flatMap(([centerId, tests]) =>
    [...tests].flatMap(([testId, assignment]) =>
      assignment.again ? [[centerId, testId, assignment] as [string, string, Assignment]] : [],
    ),
  );
}

async function touchOlder(hub: Hub, level: Level, testId: string, since: number): Promise<void> {
  const partition = testPartition(testId);
  let leaves: { id: string; rev: string }[] = [];
  for await (const [key, value] of level.iterator({
    gte: keys.doc(`${partition}:`),
    lt: keys.doc(`${partition};`),
  })) {
    const entry = JSON.parse(value) as Entry;
    if (entry.at > since) continue;
    const live = entry.leaves.filter((leaf) => !leaf.deleted);
    leaves.push(...live.map(({ rev }) => ({ id: key.slice(2), rev })));
    if (leaves.length < BATCH) continue;
    await touch(hub, leaves);
    leaves = [];
  }
  if (leaves.length > 0) await touch(hub, leaves);
}

/** Writes the same content on top of each leaf. A leaf that was edited meanwhile answers with a conflict: it lives. */
async function touch(hub: Hub, leaves: { id: string; rev: string }[]): Promise<void> {
  const { results } = await hub.db.bulkGet({ docs: leaves });
  const docs = results.flatMap(({ docs: answers }) =>
    answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : [])),
  );
  const outcomes = await hub.write(docs, { newEdits: true });
  const failed = outcomes.find((outcome) => 'error' in outcome && outcome.status !== 409);
  if (failed && 'error' in failed) throw new Error(`cannot touch ${failed.id}: ${failed.reason}`);
}

/** Takes the mark off, unless the assignment has changed meanwhile. */
async function settle(
  level: Level,
  state: FeedState,
  centerId: string,
  testId: string,
  assignment: Assignment,
): Promise<void> {
  if (assignmentOf(state, centerId, testId) !== assignment) return;
  const settled = { ...assignment, again: false };
  await level.put(keys.assignment(centerId, testId), JSON.stringify(settled), { sync: true });
  setAssignment(state, centerId, testId, settled);
}
