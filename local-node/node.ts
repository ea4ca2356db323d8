import type { FastifyBaseLogger } from 'fastify';
import { SyncError } from '../replication/errors.ts';
import type { NodeConfig } from './config.ts';
import { type Digests, openDigests } from './digests.ts';
import { mendReplica, readUuid } from './disk/mend.ts';
import type { RawLevel } from './disk/scan.ts';
import { type Identity, readIdentity } from './identity.ts';
import { openLine } from './line.ts';
import { type NodeQuarantine, openQuarantine } from './quarantine.ts';
import { openReplica, withRawReplica } from './replica.ts';
import { openState } from './state.ts';
import { type KnownDifferences, openDifferences } from './sync/differences.ts';
import type { RoundParts } from './sync/round.ts';
import { openSync, readMarks, type Sync } from './sync/sync.ts';
import { openUnpushed } from './sync/unpushed.ts';

/** What the node's routes are made of: everything it has open. */
export interface NodeParts extends RoundParts {
  readonly config: NodeConfig;
  readonly identity: Identity;
  readonly sync: Sync;
  readonly log: FastifyBaseLogger;
}

/**
 * Opens what a node consists of, in the order of dependency; `opening` closes it in reverse. Nothing of this needs the
 * network. @throws SyncError bad_request before the node is set up, in_use when another process has the folder.
 */
export async function openParts(
  config: NodeConfig,
  log: FastifyBaseLogger,
  opening: AsyncDisposableStack,
  options: { follow: boolean },
): Promise<NodeParts> {
  const identity = await readIdentity(config.dataDir);
  if (!identity) {
    throw new SyncError('bad_request', `${config.dataDir} is not set up yet: run "cbt-node setup" first`);
  }
  const state = opening.use(await openState(config.dataDir));
  const quarantine = await openQuarantine(state);
  const digests = await openDigests(state);
  const differences = await openDifferences(state);
  await checkDisk(config.dataDir, { digests, differences, quarantine, log });
  const replica = opening.use(await openReplica(config.dataDir));
  await digests.adopt(await replica.uuid());
  const marks = await readMarks(state);
  const parts: RoundParts = {
    centerId: identity.centerId,
    instanceId: state.instanceId,
    line: openLine(identity, config),
    replica,
    unpushed: await openUnpushed(replica.db, identity.centerId, marks.pushedSeq),
    digests,
    differences,
    quarantine,
    marks,
    silenceMs: config.silenceMs,
  };
  await digests.catchUp(replica.db);
  const sync = opening.use(await openSync(parts, { state, log, follow: options.follow }));
  return Object.assign(parts, { config, identity, sync, log });
}

/** Reads the replica before PouchDB opens it, notes what was changed behind the node's back, and mends what is broken. */
async function checkDisk(
  dataDir: string,
  {
    digests,
    differences,
    quarantine,
    log,
  }: { digests: Digests; differences: KnownDifferences; quarantine: NodeQuarantine; log: FastifyBaseLogger },
): Promise<void> {
  await withRawReplica(dataDir, async (level: RawLevel) => {
    const uuid = await readUuid(level);
    if (uuid !== undefined) await digests.adopt(uuid);
    const examination = await digests.examine();
    const updateSeq = await mendReplica(level, {
      sound: async (documents) => differences.add(await examination.found(documents)),
      remains: (id, rev, reason, doc) => quarantine.add({ id, rev, reason, doc }),
      lost: (id) => differences.add([{ id, problem: 'lost' }]),
    });
    await differences.add(await examination.end(updateSeq));
  });
  const found = differences.list();
  if (found.length > 0)
    log.warn({ differences: found }, 'the replica is not what it must be; run "cbt-node repair"');
}
