import { pino } from 'pino';
import type { StoredDocument } from '../../../replication/documents.ts';
import { openAudit } from '../../../server/control/audit.ts';
import { openConflicts } from '../../../server/control/conflicts/conflicts.ts';
import { openOrigins } from '../../../server/control/conflicts/origins.ts';
import { openControlStore } from '../../../server/control/store.ts';
import { openHub } from '../../../server/hub.ts';
import { answersDocument, centerShare, sessionDocument } from '../../harness/documents.ts';
import { tempFolder } from '../../harness/temp-folder.ts';
import { counted, type Measurement, perSecond, scaled } from '../row.ts';

const BATCH = 2000;
/** Answers of one sheet: about 5 KB. */
const QUESTIONS = 60;

/** An exam evening on which two sides changed the same documents; the resolver has followed the hub until then. */
export const resolver: Measurement = {
  name: 'resolver',
  description: 'resolving 10,000 conflicted documents in a hub of 50,000',
  async measure(scale, say) {
    const total = scaled(50_000, scale);
    const conflicted = scaled(10_000, scale);
    const rows = [];
    for (const [kind, documentOf, perSecondAtLeast] of KINDS) {
      say(kind);
      const rate = conflicted / (await secondsToResolve(total, conflicted, documentOf));
      rows.push({
        what: `${counted(conflicted)} conflicted ${kind} resolved in a hub of ${counted(total)} documents`,
        ours: perSecond(rate),
        stock: '',
        ratio: '',
        target: `≥ ${counted(perSecondAtLeast)}/s`,
        met: rate >= perSecondAtLeast,
      });
    }
    return rows;
  },
};

/** What is in conflict, and how many of it must be resolved in a second. */
const KINDS: readonly [string, (n: number) => StoredDocument, number][] = [
  ['sessions', (n) => sessionDocument('L-1', 'T', n), 2000],
  ['answer sheets of 5 KB', (n) => answersDocument('L-1', 'T', n, QUESTIONS), 2000],
];

async function secondsToResolve(
  total: number,
  conflicted: number,
  documentOf: (n: number) => StoredDocument,
): Promise<number> {
  await using folder = await tempFolder('cbt-bench-resolver');
  await using hub = await openHub({ dataDir: folder.path, hubUrl: undefined });
  const others = centerShare('L-1', 'T', Math.ceil((total - conflicted) / 2)).slice(0, total - conflicted);
  await inBatches(others, (docs) => hub.write(docs, { newEdits: true }));
  const sides = Array.from({ length: conflicted }, (_, n) => twoSides(documentOf(n)));
  const replicate = (docs: StoredDocument[][]) => hub.write(docs.flat(), { newEdits: false });
  await inBatches(
    sides.map(({ before, ours }) => [before, ours]),
    replicate,
  );
  await using store = await openControlStore(folder.path);
  const audit = await openAudit(store);
  const parts = {
    hub,
    store,
    audit,
    origins: openOrigins(store),
    log: pino({ level: 'error' }),
    automatic: true,
    settleMs: 1500,
  };
  {
    await using following = await openConflicts(parts);
    await following.settled();
  }
  await inBatches(
    sides.map(({ theirs }) => [theirs]),
    replicate,
  );
  const start = performance.now();
  await using conflicts = await openConflicts(parts);
  await conflicts.settled();
  const elapsed = (performance.now() - start) / 1000;
  let resolved = 0;
  for await (const _entry of audit.list({ action: 'conflict.resolved' })) resolved += 1;
  if (resolved !== conflicted) throw new Error(`${resolved} of ${conflicted} were resolved`);
  return elapsed;
}

async function inBatches<Item>(items: Item[], write: (batch: Item[]) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += BATCH) await write(items.slice(from, from + BATCH));
}

/** A document as both sides had it, and what each made of it. */
function twoSides(doc: StoredDocument): Record<'before' | 'ours' | 'theirs', StoredDocument> {
  const revision = (rev: string, ids: string[], more: object): StoredDocument => ({
    ...doc,
    ...more,
    _rev: rev,
    _revisions: { start: ids.length, ids },
  });
  return {
    before: revision('1-r', ['r'], {}),
    ours: revision('2-a', ['a', 'r'], { elapsedMs: 1, extraMinutes: 5 }),
    theirs: revision('2-b', ['b', 'r'], { elapsedMs: 2, room: 'R1' }),
  };
}
