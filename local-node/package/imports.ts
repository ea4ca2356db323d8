import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { messageOf, outOfSpace, SyncError } from '../../replication/errors.ts';
import type { Difference } from '../../replication/node-report.ts';
import { recipientOf } from '../../replication/package/keys.ts';
import type { Manifest, PackageEnd } from '../../replication/package/manifest.ts';
import { type Receiver, readPackage } from '../../replication/package/read.ts';
import { openStaged, type StagedPackage, stagePackage } from '../../replication/package/staged.ts';
import { parseSequenceParts } from '../../replication/sequence-order.ts';
import { keysMissing, type NodeIdentity } from '../identity.ts';
import type { NodeState } from '../state.ts';
import type { RoundParts } from '../sync/round.ts';
import type { Sync } from '../sync/sync.ts';
import { quarantineAll } from '../sync/transfer.ts';
import { compareWithSnapshot } from './compare.ts';
import { fetchFirstReplica } from './first-replica.ts';
import { reachedWith } from './place.ts';
import { packagesMade } from './results-package.ts';
import { createUnderWay, type ImportStanding, type UnderWay } from './standing.ts';
import { createKnownRevisions, writeBatches } from './write.ts';

/** What an import has done. */
export interface ImportReport {
  kind: Manifest['kind'];
  packageId: string;
  madeAt: string;
  documents: number;
  revisions: number;
  counts: Record<string, number>;
  /** Revisions that were not in the replica before. */
  written: number;
  /** Whether this package was imported before. */
  repeated: boolean;
  /** The sequence that the replica has reached, of the server's. */
  since: string | null;
}

export type ImportProgress = (standing: ImportStanding) => void;

/** Packages that come in. */
export interface PackageImports {
  readonly underWay: Pick<UnderWay, 'standing' | 'onChange'>;
  /**
   * Takes a package in: it is copied and checked as a whole before anything of it is applied, and the replica's
   * sequence moves when all of it is there. @throws SyncError that names what is wrong; nothing is changed then.
   */
  take(source: AsyncIterable<Uint8Array>, progress?: ImportProgress): Promise<ImportReport>;
  /** Compares the replica with a snapshot; changes nothing. @throws SyncError that names what is wrong with the package. */
  compare(source: AsyncIterable<Uint8Array>): Promise<Difference[]>;
  /** Goes on with an import that was under way when the last run ended. */
  resume(): Promise<void>;
  /** Fetches an empty replica's documents over the line; false when that cannot be. */
  fetchFirst: RoundParts['fetchFirst'];
  /** Whether a revision is one that a package brings in. */
  isKnown(id: string, rev: string): boolean;
}

export interface ImportOptions {
  dataDir: string;
  identity: NodeIdentity;
  state: NodeState;
  log: FastifyBaseLogger;
}

/** What is kept over a crash: there is a package in the file, checked, and it is to be applied. */
interface Pending {
  packageId: string;
  /** In the folder of packages. */
  name: string;
}

export function createImports(
  parts: RoundParts,
  sync: Pick<Sync, 'paused' | 'keepMarks'>,
  { dataDir, identity, state, log }: ImportOptions,
): PackageImports {
  const folder = join(dataDir, 'packages');
  const pending = state.space<Pending>('package-pending');
  const past = state.space<string>('package-imported');
  const known = createKnownRevisions();
  const underWay = createUnderWay();

  async function receiver(): Promise<Receiver> {
    const { serverKey, packageKey } = identity;
    return {
      identity: packageKey,
      recipient: recipientOf(packageKey),
      centerId: parts.centerId,
      kinds: ['download', 'snapshot', 'receipts'],
      trusted: serverKey ? [serverKey.publicKey] : [],
    };
  }

  async function apply({ staged, name }: Staged, progress: ImportProgress): Promise<ImportReport> {
    const { manifest, end } = staged;
    const since = reachedWith(manifest, parts.marks.since);
    await pending.put('import', { packageId: manifest.packageId, name });
    const repeated = (await past.get(manifest.packageId)) !== undefined;
    const written = await writeBatches(parts, staged.batches(), known, (revisions) =>
      progress({ phase: 'writing', revisions, total: end.revisions }),
    );
    await confirm(parts, state, manifest);
    if (since !== undefined) Object.assign(parts.marks, { since, importedSince: since });
    parts.marks.pushedSeq = parts.unpushed.mark;
    // The sequence moves here, with all that is kept of the import, or not at all.
    await sync.keepMarks([
      pending.deleting('import'),
      past.putting(manifest.packageId, new Date().toISOString()),
    ]);
    await empty(folder);
    return reportOf(manifest, end, { written, repeated, since: parts.marks.since });
  }

  async function applyAlone(staged: Staged, progress: ImportProgress): Promise<ImportReport> {
    try {
      return await sync.paused(() => apply(staged, progress));
    } catch (error) {
      throw outOfSpace(error) ?? error;
    } finally {
      known.clear();
      void parts.digests.catchUp(parts.replica.db).catch(() => {});
    }
  }

  /** What keeps it from being noted, such as a full disk, must not hide why it was refused. */
  async function refused(error: unknown): Promise<void> {
    await parts.logbook
      .note('package refused', { reason: messageOf(error) })
      .catch((failure) => log.error({ err: failure }, 'not logged'));
  }

  async function imported(report: ImportReport): Promise<ImportReport> {
    const { packageId, kind, written } = report;
    log.info({ packageId, kind, written }, 'imported a package');
    await parts.logbook.note('package imported', { packageId, kind, written });
    return report;
  }

  /** One at a time: there is one file, and one replica. */
  async function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    if (underWay.standing)
      throw new SyncError('in_use', 'a package is being imported; try again when it is done');
    underWay.set({ phase: 'checking', revisions: 0, total: null });
    try {
      return await work();
    } finally {
      underWay.set(null);
    }
  }

  async function takeIn(source: AsyncIterable<Uint8Array>, progress: ImportProgress): Promise<ImportReport> {
    if (!identity.serverKey) throw keysMissing();
    await mkdir(folder, { recursive: true });
    // A file of its own: what is still to be gone on with is lost to no other package that turns out to be bad.
    const name = `${randomUUID()}.cbtpkg`;
    const file = join(folder, name);
    try {
      const checked = (revisions: number) => progress({ phase: 'checking', revisions, total: null });
      const staged = await stagePackage(source, file, await receiver(), checked);
      return await imported(await applyAlone({ staged, name }, progress));
    } catch (error) {
      if ((await pending.get('import'))?.name !== name) await rm(file, { force: true });
      throw error;
    }
  }

  return {
    underWay,
    isKnown: known.has,
    async fetchFirst(hooks) {
      if (!identity.serverKey || underWay.standing) return false;
      parts.marks.isPartial = true;
      await sync.keepMarks([]);
      const fetched = await fetchFirstReplica(parts, await receiver(), known, { ...hooks, log });
      if (fetched) await parts.logbook.note('package imported', { ...fetched });
      return fetched !== undefined;
    },
    async take(source, progress = () => {}) {
      const told: ImportProgress = (standing) => {
        underWay.set(standing);
        progress(standing);
      };
      try {
        return await alone(() => takeIn(source, told));
      } catch (error) {
        await refused(error);
        throw error;
      }
    },
    async compare(source) {
      if (!identity.serverKey) throw keysMissing();
      return compareWithSnapshot(parts, await readPackage(source, await receiver()));
    },
    resume: () =>
      alone(async () => {
        const { name } = (await pending.get('import')) ?? {};
        const file = name && join(folder, name);
        if (!file || !existsSync(file)) {
          await empty(folder);
          return;
        }
        try {
          const staged = await openStaged(file, await receiver());
          await imported(await applyAlone({ staged, name }, underWay.set));
        } catch (error) {
          log.warn(
            { reason: messageOf(error) },
            'a package could not be imported to its end; import it again',
          );
          await refused(error);
        }
      }),
  };
}

/** A package that was checked, and its file in the folder of packages. */
interface Staged {
  staged: StagedPackage;
  name: string;
}

async function empty(folder: string): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names) await rm(join(folder, name), { force: true });
}

/**
 * What receipts say: what was refused of a package, and that all that was written here up to where it leads is online.
 * That holds for whoever made it, and for none that bears the same name: a copy, or a node put back from a backup.
 */
async function confirm(parts: RoundParts, state: NodeState, manifest: Manifest): Promise<void> {
  const { confirms, refused = [] } = manifest;
  await quarantineAll(parts, refused);
  const made = confirms && (await packagesMade(state).get(confirms.packageId));
  const through = made === undefined ? undefined : parseSequenceParts(made);
  if (through?.database === (await parts.replica.uuid())) parts.unpushed.settle(through.at);
}

function reportOf(
  { kind, packageId, madeAt }: Manifest,
  { documents, revisions, counts }: PackageEnd,
  outcome: Pick<ImportReport, 'written' | 'repeated' | 'since'>,
): ImportReport {
  return { kind, packageId, madeAt, documents, revisions, counts, ...outcome };
}
