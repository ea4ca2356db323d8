import type { FastifyBaseLogger } from 'fastify';
import { SyncError } from '../replication/errors.ts';
import type { NodeConfig } from './config.ts';
import { watchForCopies } from './copies.ts';
import { type Digests, openDigests } from './digests.ts';
import { mendReplica, readUuid } from './disk/mend.ts';
import type { RawLevel } from './disk/scan.ts';
import { type Exam, openExam, resumeClock } from './exam/exam.ts';
import { openExamStore } from './exam/store.ts';
import { type NodeIdentity, type OwnKey, ownKey, readIdentity, withKeys } from './identity.ts';
import { openLine } from './line.ts';
import { type Logbook, openLogbook } from './logbook.ts';
import { type Operator, openOperator } from './operator.ts';
import { createImports, type PackageImports } from './package/imports.ts';
import { type NodeQuarantine, openQuarantine } from './quarantine.ts';
import { createRegistration } from './registration.ts';
import { openReplica, withRawReplica } from './replica.ts';
import { openResults } from './results.ts';
import { type NodeState, openState } from './state.ts';
import { type KnownDifferences, openDifferences } from './sync/differences.ts';
import type { RoundParts } from './sync/round.ts';
import { openSync, readMarks, type Sync } from './sync/sync.ts';
import { openUnpushed } from './sync/unpushed.ts';

/** What the node's routes are made of: everything it has open. */
export interface NodeParts extends RoundParts {
  readonly config: NodeConfig;
  readonly identity: NodeIdentity;
  readonly sync: Sync;
  readonly exam: Exam;
  readonly operator: Operator;
  readonly imports: PackageImports;
  readonly state: NodeState;
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
  const known = await readIdentity(config.dataDir);
  if (!known) {
    throw new SyncError('bad_request', `${config.dataDir} is not set up yet: run "cbt-node setup" first`);
  }
  const state = opening.use(await openState(config.dataDir));
  const identity = await withKeys(config.dataDir, known);
  const quarantine = await openQuarantine(state);
  const digests = await openDigests(state);
  const differences = await openDifferences(state);
  await checkDisk(config.dataDir, { digests, differences, quarantine, log });
  const replica = opening.use(await openReplica(config.dataDir));
  await digests.adopt(await replica.uuid());
  const marks = await readMarks(state);
  const { centerId } = identity;
  const key = ownKey(identity);
  const { exam, logbook } = await openExamDay(
    { config, centerId, key, state, replica, log },
    opening,
    options,
  );
  const line = openLine(identity, { silenceMs: config.silenceMs, heardTime: exam.heardServerTime });
  const instanceId = () => state.instanceId;
  const registration = createRegistration({ dataDir: config.dataDir, identity, line, instanceId });
  const parts: RoundParts = {
    centerId,
    get instanceId() {
      return state.instanceId;
    },
    publicKey: () => key().publicKey,
    line,
    replica,
    logbook,
    registration,
    copies: await watchForCopies({ state, replica, logbook, registration, centerId, log }),
    results: await openResults({ replica, centerId, serverKey: () => identity.serverKey?.publicKey }),
    unpushed: await openUnpushed(replica.db, centerId, marks.pushedSeq),
    digests,
    differences,
    quarantine,
    marks,
    isImported: (id, rev) => imports.isKnown(id, rev),
    fetchFirst: (hooks) => imports.fetchFirst(hooks),
    silenceMs: config.silenceMs,
    flushWork: () =>
      exam.flush().catch((error) => log.error({ err: error }, 'answer sheets not brought up to date')),
  };
  await digests.catchUp(replica.db);
  const sync = opening.use(await openSync(parts, { state, log, follow: options.follow }));
  const imports = createImports(parts, sync, { dataDir: config.dataDir, identity, state, log });
  const resuming = imports.resume();
  opening.defer(() => resuming);
  const operator = await openOperator(state);
  return Object.assign(parts, { config, identity, sync, exam, operator, imports, state, log });
}

/** What candidates work with: the log, and the exam, whose clock the log goes by. */
async function openExamDay(
  {
    config,
    centerId,
    key,
    state,
    replica,
    log,
  }: Pick<NodeParts, 'config' | 'centerId' | 'replica' | 'log'> & { key: () => OwnKey; state: NodeState },
  opening: AsyncDisposableStack,
  { follow }: { follow: boolean },
): Promise<Pick<NodeParts, 'exam' | 'logbook'>> {
  const store = opening.use(await openExamStore(config.dataDir));
  const clock = await resumeClock(store);
  const logbook = opening.use(await openLogbook({ state, replica, centerId, now: clock.now }));
  if (follow) opening.use(await logRun(state, logbook));
  const signer = () => ({
    centerId,
    nodeId: state.instanceId,
    keyId: key().keyId,
    key: key().privateKey,
  });
  const exam = opening.use(await openExam({ store, replica, logbook, clock, signer, log }, { follow }));
  return { exam, logbook };
}

/**
 * Notes in the log that the node runs, and whether the run before ended in order; disposed when this one does. As a
 * note it precedes whatever is logged next, and a replica that has not been pulled yet stays empty.
 */
async function logRun(state: NodeState, logbook: Logbook): Promise<AsyncDisposable> {
  const runs = state.space<string>('run');
  const broken = await runs.get('startedAt');
  await runs.put('startedAt', new Date().toISOString());
  if (broken === undefined) await logbook.note('node started');
  else await logbook.note('node restarted', { startedAt: broken });
  return { [Symbol.asyncDispose]: () => runs.delete('startedAt') };
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
      remains: (id, rev, reason, doc) => quarantine.add({ id, rev, reason, state: 'kept', doc }),
      lost: (id) => differences.add([{ id, problem: 'lost' }]),
    });
    await differences.add(await examination.end(updateSeq));
  });
  const found = differences.list();
  if (found.length > 0)
    log.warn({ differences: found }, 'the replica is not what it must be; run "cbt-node repair"');
}
