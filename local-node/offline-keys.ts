import { SyncError } from '../replication/errors.ts';
import { readJsonFile, writeJsonFile } from '../replication/json-file.ts';
import { type KeyRequest, keyAnswerSchema } from '../replication/node-keys.ts';
import { recipientOf } from '../replication/package/keys.ts';
import { publicKeyOf } from '../replication/signing.ts';
import { type Identity, keysOf, readIdentity, writeIdentity } from './identity.ts';
import { openState } from './state.ts';

/** How a node and the server learn each other's keys where there is no line: in two files that are carried. */

/** Keeps the identity with its keys, and writes what the server has to know of them. @throws SyncError in_use. */
export async function setUpOffline(dataDir: string, identity: Identity, requestFile: string): Promise<void> {
  const keyed = { ...identity, ...keysOf(identity) };
  const request: KeyRequest = {
    centerId: identity.centerId,
    instanceId: await instanceIdOf(dataDir),
    publicKey: publicKeyOf(keyed.privateKey),
    packageKey: recipientOf(keyed.packageKey),
  };
  await writeJsonFile(requestFile, request);
  await writeIdentity(dataDir, keyed);
}

/**
 * Takes in the server's answer. @throws SyncError bad_request when it is none, or is for another node; in_use while
 * the node runs.
 */
export async function takeAnswer(dataDir: string, answerFile: string): Promise<string> {
  const identity = await readIdentity(dataDir);
  if (!identity)
    throw new SyncError('bad_request', 'the node is not set up yet: run "cbt-node setup --offline" first');
  const parsed = keyAnswerSchema.safeParse(await readJsonFile(answerFile));
  if (!parsed.success) throw new SyncError('bad_request', `${answerFile} is not an answer of the server`);
  const { centerId, instanceId, serverUuid, serverKey, packageKey } = parsed.data;
  if (centerId !== identity.centerId || instanceId !== (await instanceIdOf(dataDir))) {
    throw new SyncError('bad_request', `${answerFile} is for another node, of center ${centerId}`);
  }
  const learned = { serverUuid, serverKey, serverPackageKey: packageKey, registeredAs: instanceId };
  await writeIdentity(dataDir, { ...identity, ...learned });
  return centerId;
}

/** A node that runs has its identity in memory, and would write it over what is changed here. */
async function instanceIdOf(dataDir: string): Promise<string> {
  await using state = await openState(dataDir);
  return state.instanceId;
}
