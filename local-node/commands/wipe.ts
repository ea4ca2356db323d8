import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { findRunning } from '../../replication/running.ts';
import { readConfig } from '../config.ts';
import { readIdentity, writeIdentity } from '../identity.ts';
import type { StatusAnswer } from '../routes/schemas.ts';
import { withNodeApi } from './api.ts';

interface WipeOptions {
  check?: boolean;
  force?: boolean;
}

/** What a node has besides its identity: replica, state, what candidates are working on, and packages in between. */
const FOLDERS = ['couch', 'state', 'exam', 'packages'];

/** `cbt-node wipe`: takes a center's data off a machine, once all of it is safe online. */
export function addWipeCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  program
    .command('wipe')
    .description('delete this machine’s replica, when the hub has confirmed all that was done here')
    .option('--check', 'only say whether that may be done: exit code 0, or 1 and why not')
    .option('--force', 'delete even what the hub does not have')
    .action(async (options: WipeOptions) => {
      const { check, force } = options;
      const reasons = await readReasons(env, options);
      for (const reason of reasons) print(reason);
      if (check) {
        print(reasons.length === 0 ? 'this machine may be wiped' : 'this machine must not be wiped');
        if (reasons.length > 0) process.exitCode = 1;
        return;
      }
      if (reasons.length > 0 && !force) {
        throw new SyncError('conflict', 'this machine must not be wiped; run "cbt-node replicate" first');
      }
      await wipe(readConfig(env).dataDir);
      print(reasons.length > 0 ? 'wiped all the same' : 'wiped');
    });
}

/** @throws SyncError in_use when the data would be deleted beneath a running node. */
async function readReasons(env: NodeJS.ProcessEnv, { check, force }: WipeOptions): Promise<string[]> {
  const { dataDir } = readConfig(env);
  if (!check && (await findRunning(dataDir))) {
    throw new SyncError('in_use', 'the node runs; stop it before its data are deleted');
  }
  try {
    return await withNodeApi(env, async (api) => {
      const { wipe: standing } = await api.request<StatusAnswer>('GET', '/api/status');
      return standing.reasons;
    });
  } catch (error) {
    const isInUse = error instanceof SyncError && error.code === 'in_use';
    if (!force || isInUse) throw error;
    return [`what is here cannot be read: ${messageOf(error)}`];
  }
}

/** The next start is another node's, with a key of its own: no two may have the same. */
async function wipe(dataDir: string): Promise<void> {
  const identity = await readIdentity(dataDir).catch(() => undefined);
  for (const folder of FOLDERS) await rm(join(dataDir, folder), { recursive: true, force: true });
  if (!identity) return;
  const { privateKey: _key, registeredAs: _instance, ...kept } = identity;
  await writeIdentity(dataDir, kept);
}
