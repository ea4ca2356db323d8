import type { ControlStore } from '../control/store.ts';
import type { Findings } from './verdict.ts';

/** What the server knows of one stored revision of a result. */
export interface Verdict extends Omit<Findings, 'state'> {
  centerId: string;
  enrollmentId: string;
  rev: string;
  /** `superseded`: no longer a leaf of its document. */
  state: Findings['state'] | 'superseded';
  testId?: string;
  nodeId?: string;
  keyId?: string;
  submittedAt?: string;
  /** What the result itself says. */
  reported: Record<string, unknown>;
  /** ISO 8601. */
  checkedAt: string;
}

/** Results of a center that are stored, by what was found out about them. */
export interface ResultCounts {
  stored: number;
  verified: number;
  flagged: number;
  waiting: number;
}

/** What an enrollment's result that is not verified may still become verified by. */
export interface OpenResult {
  tests: string[];
  keys: string[];
}

export interface VerdictFilter {
  centerId?: string | undefined;
  testId?: string | undefined;
  flagged?: boolean | undefined;
  /** The key of the last one that was read. */
  after?: string | undefined;
}

/** The verdicts, kept in the control store; which are open, and how many there are, is held in memory too. */
export interface Verdicts {
  of(centerId: string, enrollmentId: string): Promise<Verdict[]>;
  /** In order of center, enrollment and revision, each with its key. */
  list(filter: VerdictFilter): AsyncIterable<[key: string, Verdict]>;
  /** Keeps all verdicts of some enrollments of one center, whole or not at all. */
  save(centerId: string, verdicts: ReadonlyMap<string, readonly Verdict[]>): Promise<void>;
  /** From now on, what the result waits for is looked out for. */
  expect(centerId: string, enrollmentId: string): void;
  isOpen(centerId: string, enrollmentId: string): boolean;
  open(centerId: string): ReadonlyMap<string, OpenResult>;
  counts(centerId: string): ResultCounts;
  /** The centers that have results. */
  centers(): string[];
}

const NONE: ResultCounts = { stored: 0, verified: 0, flagged: 0, waiting: 0 };
const NOTHING_OPEN: ReadonlyMap<string, OpenResult> = new Map();

export async function openVerdicts(store: ControlStore): Promise<Verdicts> {
  // One space for all, so that a batch changes them together.
  const space = store.space<Verdict | OpenResult | ResultCounts>('results');
  const opens = new Map<string, Map<string, OpenResult>>();
  const totals = new Map<string, ResultCounts>();
  for await (const [key, value] of space.entries('total/')) {
    totals.set(key.slice('total/'.length), value as ResultCounts);
  }
  for await (const [key, value] of space.entries('open/')) {
    const [, centerId, enrollmentId] = key.split('/') as [string, string, string];
    openOf(centerId).set(enrollmentId, value as OpenResult);
  }

  function openOf(centerId: string): Map<string, OpenResult> {
    const found = opens.get(centerId) ?? new Map<string, OpenResult>();
    opens.set(centerId, found);
    return found;
  }

  async function of(centerId: string, enrollmentId: string): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for await (const [, value] of space.entries(`verdict/${centerId}/${enrollmentId}/`)) {
      verdicts.push(value as Verdict);
    }
    return verdicts;
  }

  async function* all(centerId: string | undefined, after: string): AsyncGenerator<[string, Verdict]> {
    const prefix = centerId === undefined ? 'verdict/' : `verdict/${centerId}/`;
    for await (const [key, value] of space.entries(prefix, after && `verdict/${after}`)) {
      yield [key.slice('verdict/'.length), value as Verdict];
    }
  }

  /** Those of enrollments whose result is open: few among all. */
  async function* openOnes(centerId: string | undefined, after: string): AsyncGenerator<[string, Verdict]> {
    const prefix = centerId === undefined ? 'open/' : `open/${centerId}/`;
    const [lastCenter, lastEnrollment] = after.split('/');
    const from = after && `open/${lastCenter}/${lastEnrollment?.slice(0, -1)}`;
    for await (const [key] of space.entries(prefix, from)) {
      const [, center, enrollmentId] = key.split('/') as [string, string, string];
      for (const verdict of await of(center, enrollmentId)) {
        const place = `${center}/${enrollmentId}/${verdict.rev}`;
        if (place > after) yield [place, verdict];
      }
    }
  }

  return {
    of,
    async *list({ centerId, testId, flagged, after = '' }) {
      for await (const entry of flagged ? openOnes(centerId, after) : all(centerId, after)) {
        const [, verdict] = entry;
        if (testId !== undefined && verdict.testId !== testId) continue;
        if (!flagged || verdict.state === 'flagged') yield entry;
      }
    },
    async save(centerId, verdicts) {
      const counts = { ...(totals.get(centerId) ?? NONE) };
      const batch: [string, Verdict | OpenResult | ResultCounts | undefined][] = [];
      const left = new Map<string, OpenResult | undefined>();
      for (const [enrollmentId, all] of verdicts) {
        for (const { state } of await of(centerId, enrollmentId)) tally(counts, state, -1);
        for (const verdict of all) {
          tally(counts, verdict.state, 1);
          batch.push([`verdict/${centerId}/${enrollmentId}/${verdict.rev}`, verdict]);
        }
        left.set(enrollmentId, openAmong(all));
        batch.push([`open/${centerId}/${enrollmentId}`, left.get(enrollmentId)]);
      }
      batch.push([`total/${centerId}`, counts]);
      await space.batch(batch);
      totals.set(centerId, counts);
      for (const [enrollmentId, open] of left) {
        if (open) openOf(centerId).set(enrollmentId, open);
        else openOf(centerId).delete(enrollmentId);
      }
    },
    expect(centerId, enrollmentId) {
      const open = openOf(centerId);
      if (!open.has(enrollmentId)) open.set(enrollmentId, { tests: [], keys: [] });
    },
    isOpen: (centerId, enrollmentId) => opens.get(centerId)?.has(enrollmentId) === true,
    open: (centerId) => opens.get(centerId) ?? NOTHING_OPEN,
    counts: (centerId) => totals.get(centerId) ?? NONE,
    centers: () => [...new Set([...totals.keys(), ...opens.keys()])],
  };
}

function tally(counts: ResultCounts, state: Verdict['state'], by: 1 | -1): void {
  if (state === 'superseded') return;
  counts.stored += by;
  counts[state] += by;
}

function openAmong(verdicts: readonly Verdict[]): OpenResult | undefined {
  const open = verdicts.filter(({ state }) => state === 'flagged' || state === 'waiting');
  if (open.length === 0) return undefined;
  return {
    tests: open.flatMap(({ testId }) => testId ?? []),
    keys: open.flatMap(({ keyId }) => keyId ?? []),
  };
}
