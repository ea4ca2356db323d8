import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { findRunning } from '../../replication/running.ts';
import { readConfig } from '../config.ts';
import {
  type Identity,
  keysOf,
  type NodeIdentity,
  parseIdentity,
  readIdentity,
  writeIdentity,
} from '../identity.ts';
import { openLine } from '../line.ts';
import { setUpOffline } from '../offline-keys.ts';
import { register } from '../registration.ts';
import { openState } from '../state.ts';

interface SetupOptions {
  server: string;
  center: string;
  secret?: string;
  secretFile?: string;
  offline?: string;
}

/** `cbt-node setup`: checks a center's secret against the server and keeps it. */
export function addSetupCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  input: NodeJS.ReadStream,
): void {
  program
    .command('setup')
    .description('say once which center this is, and of which server')
    .requiredOption('--server <url>', 'the server, for example https://exams.example.org')
    .requiredOption('--center <id>', 'the center’s id, for example LAG-001')
    .option(
      '--secret <secret>',
      'the center’s secret; visible to others on this machine while the command runs',
    )
    .option(
      '--secret-file <file>',
      'a file that holds the secret; without either it is read from standard input',
    )
    .option(
      '--offline <file>',
      'there is no line: check nothing, and write the node’s public keys into a file for the server',
    )
    .action(async (options: SetupOptions) => {
      const { dataDir, silenceMs } = readConfig(env);
      const { server, center: centerId } = options;
      const secret = (await readSecret(options, input)).trim();
      const identity = parseIdentity({ server, centerId, secret });
      const known = await readIdentity(dataDir).catch(() => undefined);
      refuseOtherCenter(dataDir, known, identity);
      if (options.offline !== undefined) {
        await setUpOffline(dataDir, { ...known, ...identity }, options.offline);
        print(`center ${centerId} is set up. Take ${options.offline} to the server; there:`);
        print(`  cbt-server center register ${centerId} ${basename(options.offline)} --out answer.json`);
        print('Then bring back answer.json, and here: cbt-node register answer.json');
        return;
      }
      const serverUuid = await check(identity, silenceMs);
      // Results that are signed already were signed with the key that is there.
      const keyed = { ...identity, serverUuid, ...keysOf(known ?? {}) };
      const registered = await registerHere(dataDir, keyed, silenceMs);
      const file = await writeIdentity(dataDir, { ...keyed, ...registered });
      print(`center ${centerId} is set up: ${file}`);
      if (await findRunning(dataDir)) print('The node runs with the old secret until it is started again.');
    });
}

async function readSecret({ secret, secretFile }: SetupOptions, input: NodeJS.ReadStream): Promise<string> {
  if (secret !== undefined) return secret;
  if (secretFile === undefined) return text(input);
  return readFile(secretFile, 'utf8').catch((cause) => {
    throw new SyncError('bad_request', `--secret-file: ${messageOf(cause)}`, { cause });
  });
}

/** A replica holds one center's documents: under another center's name they would be pushed to the wrong place. */
function refuseOtherCenter(dataDir: string, known: Identity | undefined, { centerId }: Identity): void {
  if (known && known.centerId !== centerId) {
    throw new SyncError(
      'bad_request',
      `${dataDir} belongs to center ${known.centerId}; choose another DATA_DIR`,
    );
  }
}

/** Registers the node's key; while the node runs that is left to its next start, for the state is in its hands. */
async function registerHere(dataDir: string, identity: NodeIdentity, silenceMs: number) {
  const state = await openState(dataDir).catch((error: unknown) => {
    if (error instanceof SyncError && error.code === 'in_use') return undefined;
    throw error;
  });
  if (!state) return undefined;
  const { instanceId } = state;
  await state[Symbol.asyncDispose]();
  return register(openLine(identity, { silenceMs }), identity, instanceId);
}

/** @returns the server's uuid. @throws SyncError in words for whoever sets the node up. */
async function check(identity: Identity, silenceMs: number): Promise<string | undefined> {
  const line = openLine(identity, { silenceMs });
  try {
    const { db_name } = await line.request<{ db_name?: string }>('GET', '');
    if (db_name === undefined) throw new SyncError('unreachable', 'the answer is no database’s');
    return await line.serverUuid();
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { centerId, server } = identity;
    if (error.code === 'unauthorized' || error.code === 'forbidden') {
      throw new SyncError('unauthorized', `the server refuses this secret for center ${centerId}`, {
        cause: error,
      });
    }
    // What failed for want of a line has a cause; an answer in other words is another program's.
    const isAnotherProgram = error.code === 'unreachable' && error.cause === undefined;
    if (error.code === 'not_found' || isAnotherProgram) {
      throw new SyncError('not_found', `there is no CBT Sync server at ${server}`, { cause: error });
    }
    throw error;
  }
}
