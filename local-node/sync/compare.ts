import type { Difference } from '../../replication/node-report.ts';
import { isWorkOf } from '../../replication/permissions.ts';
import type { QuarantineEntry, ServerEntry } from '../quarantine.ts';
import {
  compareWithServer,
  type FoundDifference,
  isWithoutDigests,
  readServerDigests,
  type ServerDigests,
} from '../verify.ts';
import type { Denied } from './replication.ts';
import { sendDocuments } from './send.ts';
import { pullAll, pushAll, quarantineAll, type RoundContext } from './transfer.ts';

/** How often the two sides are compared again when they differ: what is under way settles in between. */
const COMPARISONS = 3;

/**
 * Compares the replica with the hub. Both go on changing meanwhile, so a difference counts only when it stays the same
 * over another replication. What the hub lacks of the center's own work is handed over again, whatever checkpoints say:
 * a server may have been put back from an older backup.
 */
export async function compareAtRest(
  context: RoundContext,
  early: Promise<ServerDigests> | undefined,
): Promise<void> {
  const { parts } = context;
  const { differences, unpushed, quarantine, marks, centerId } = parts;
  const unheard = await readDecisions(context);
  const handedOver = new Set<string>();
  let before = new Map<string, FoundDifference>();
  for (let attempt = 1; ; attempt += 1) {
    const found = await compare(context, attempt === 1 ? early : undefined);
    if (!found) return;
    const lacking = [...found.values()]
      .filter((one) => one.problem !== 'lost' && isWorkOf(centerId, one.id) && !handedOver.has(one.id))
      .filter(({ id }) => !unpushed.has(id) && (unheard.has(id) || !quarantine.isRefused(id)));
    const settled = [...found.values()].filter(
      (one) => !unpushed.has(one.id) && (differences.isKnown(one) || isSame(one, before.get(one.id))),
    );
    if ((lacking.length === 0 && settled.length === found.size) || attempt === COMPARISONS) {
      await differences.replace(settled);
      marks.comparedAt = new Date().toISOString();
      marks.equal = found.size === 0;
      marks.ownEqual = ![...found.keys()].some((id) => isWorkOf(centerId, id) && !quarantine.isRefused(id));
      await quarantine.takeDecisions([...unheard.values()].filter(({ id }) => !found.has(id)).map(stored));
      return;
    }
    before = found;
    await handOver(context, lacking);
    for (const { id } of lacking) handedOver.add(id);
    const quiet = { ...context, counts: { ...context.counts }, events: QUIET };
    await pushAll(quiet, { ask: true });
    await pullAll(quiet);
  }
}

const QUIET = { phase() {}, progress() {}, session() {} };

/** @returns `undefined` when the server keeps no digests. */
async function compare(
  { parts, signal }: RoundContext,
  early: Promise<ServerDigests> | undefined,
): Promise<Map<string, FoundDifference> | undefined> {
  await parts.digests.catchUp(parts.replica.db);
  try {
    const hub = await (early ?? readServerDigests(parts.line, signal));
    return await compareWithServer(parts.line, parts.digests, hub, signal);
  } catch (error) {
    if (isWithoutDigests(error)) return undefined;
    throw error;
  }
}

/** Until the hub has it again, none of it counts as confirmed. */
async function handOver(
  { parts, session, signal, counts }: RoundContext,
  lacking: readonly Difference[],
): Promise<void> {
  if (lacking.length === 0) return;
  await parts.differences.add(lacking);
  const refused: Denied[] = [];
  const ids = lacking.map(({ id }) => id);
  const options = {
    signal,
    ask: true,
    written(docs: readonly { _id: string }[]) {
      counts.pushed += docs.length;
    },
    denied: (document: Denied) => void refused.push(document),
  };
  try {
    await sendDocuments(parts.replica.db, parts.line, session, ids, options);
  } finally {
    await quarantineAll(parts, refused);
  }
}

/**
 * Asks what has become of refused writes, if any waits.
 * @returns the documents that wait here and that the server does not know of any more.
 */
async function readDecisions({ parts, signal }: RoundContext): Promise<Map<string, QuarantineEntry>> {
  const { quarantine, line } = parts;
  if (quarantine.counts.waiting === 0) return new Map();
  const { entries } = await line
    .request<{ entries: ServerEntry[] }>('GET', '/_quarantine', undefined, signal)
    .catch((error: unknown) => {
      if (isWithoutDigests(error)) return { entries: undefined };
      throw error;
    });
  if (!entries) return new Map();
  return new Map((await quarantine.takeDecisions(entries)).map((entry) => [entry.id, entry]));
}

/** A server that had forgotten its refusal has taken the document when it was sent again. */
function stored({ id, rev }: QuarantineEntry): ServerEntry {
  return { id, rev, state: 'accepted', decidedAt: new Date().toISOString(), note: 'the hub has it' };
}

function isSame(one: FoundDifference, other: FoundDifference | undefined): boolean {
  return other !== undefined && one.here === other.here && one.there === other.there;
}
