import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { findRunning } from '../../replication/running.ts';
import { readConfig } from '../config.ts';
import { type Identity, parseIdentity, readIdentity, writeIdentity } from '../identity.ts';
import { openLine } from '../line.ts';

interface SetupOptions {
  server: string;
  center: string;
  secret?: string;
  secretFile?: string;
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
    .action(async (options: SetupOptions) => {
      const { dataDir, silenceMs } = readConfig(env);
      const { server, center: centerId } = options;
      const secret = (await readSecret(options, input)).trim();
      const identity = parseIdentity({ server, centerId, secret });
      await refuseOtherCenter(dataDir, identity);
      const serverUuid = await check(identity, silenceMs);
      const file = await writeIdentity(dataDir, { ...identity, serverUuid });
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
async function refuseOtherCenter(dataDir: string, { centerId }: Identity): Promise<void> {
  const known = await readIdentity(dataDir).catch(() => undefined);
  if (known && known.centerId !== centerId) {
    throw new SyncError(
      'bad_request',
      `${dataDir} belongs to center ${known.centerId}; choose another DATA_DIR`,
    );
  }
}

/** @returns the server's uuid. @throws SyncError in words for whoever sets the node up. */
async function check(identity: Identity, silenceMs: number): Promise<string | undefined> {
  const line = openLine(identity, { silenceMs });
  try {
    await line.request('GET', '');
    return await line.serverUuid();
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { centerId, server } = identity;
    if (error.code === 'unauthorized' || error.code === 'forbidden') {
      throw new SyncError('unauthorized', `the server refuses this secret for center ${centerId}`, {
        cause: error,
      });
    }
    if (error.code === 'not_found') {
      throw new SyncError('not_found', `there is no CBT Sync server at ${server}`, { cause: error });
    }
    throw error;
  }
}
