import { spawnSync } from 'node:child_process';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../replication/errors.ts';
import {
  FERRET_FOLDER,
  FERRET_VERSION,
  findFerret,
  findOwnMongo,
  findRedis,
  MONGOD_FOLDER,
  MONGOD_VERSION,
  onPath,
  SECANTUS_FOLDER,
  SECANTUS_VERSION,
} from './found.ts';

/**
 * Set-up before the tests and the benchmarks: Redis, a MongoDB server and FerretDB. Does nothing, silently, when all
 * are there; ends with the reason, in a line for each, when one cannot be had.
 */

const DOWNLOAD_MS = 180_000;
/** How many characters of a failed command's output tell enough. */
const TOLD = 600;

const failures: string[] = [];
await provide('Redis', findRedis, () => installPackages('redis-server'));
await provide('MongoDB', findOwnMongo, async () => (await downloadMongod()) || installSecantus());
await provide('FerretDB', findFerret, buildFerret);
for (const failure of failures) process.stderr.write(`Set-up: ${failure}\n`);
if (failures.length > 0) process.exit(1);

async function provide(name: string, find: () => unknown, install: () => unknown): Promise<void> {
  if (find()) return;
  try {
    await install();
    if (!find()) throw new Error('it was installed and is not found');
  } catch (error) {
    failures.push(`${name} is needed by the tests and cannot be had: ${messageOf(error)}`);
  }
}

function say(what: string): void {
  process.stderr.write(`Set-up: ${what}, once.\n`);
}

/** @throws Error with the end of what the command wrote. */
function run(command: string, args: readonly string[], options: { cwd?: string } = {}): string {
  const done = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  if (done.error) throw new Error(`${command} cannot be run (${done.error.message})`);
  if (done.status === 0) return done.stdout;
  const told = (done.stderr || done.stdout).trim().slice(-TOLD);
  throw new Error(`${command} ${args[0]} ended with ${done.status}: ${told}`);
}

/** Debian's packages, as root or by sudo without a password. */
function installPackages(...names: string[]): void {
  const isRoot = process.getuid?.() === 0;
  if (!onPath('apt-get') || !(isRoot || onPath('sudo'))) {
    throw new Error(`install ${names.join(' and ')} (there is no apt-get or no right to use it)`);
  }
  say(`installing ${names.join(' and ')}`);
  const apt = (args: string[]) => (isRoot ? run('apt-get', args) : run('sudo', ['-n', 'apt-get', ...args]));
  apt(['update', '-qq']);
  apt(['install', '-y', '-qq', '--no-install-recommends', ...names]);
}

/** By mongodb-memory-server. @returns whether its download works here. */
async function downloadMongod(): Promise<boolean> {
  say('downloading mongod');
  const { MongoBinary } = await import('mongodb-memory-server-core');
  const draft = `${MONGOD_FOLDER}.${process.pid}`;
  try {
    await mkdir(draft, { recursive: true });
    const late = AbortSignal.timeout(DOWNLOAD_MS);
    const lapse = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error(`not within ${DOWNLOAD_MS / 1000} s`)));
    });
    const download = MongoBinary.getPath({ version: MONGOD_VERSION, downloadDir: draft });
    const file = await Promise.race([download, lapse]);
    run(file, ['--version']);
    await rename(file, join(draft, 'mongod'));
    await rename(draft, MONGOD_FOLDER);
    return true;
  } catch (error) {
    const reason = messageOf(error).replaceAll('\n', ' ');
    process.stderr.write(`Set-up: mongod cannot be downloaded (${reason}); SecantusDB takes its place.\n`);
    return false;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** SecantusDB in a virtual environment of its own. */
async function installSecantus(): Promise<void> {
  if (!onPath('python3')) installPackages('python3', 'python3-venv');
  say(`installing SecantusDB ${SECANTUS_VERSION}`);
  await rm(SECANTUS_FOLDER, { recursive: true, force: true });
  const make = () => run('python3', ['-m', 'venv', SECANTUS_FOLDER]);
  try {
    make();
  } catch {
    // Debian's python3 has its venv in a package of its own.
    installPackages('python3-venv');
    make();
  }
  const python = join(SECANTUS_FOLDER, 'bin/python');
  run(python, ['-m', 'pip', 'install', '--quiet', `SecantusDB==${SECANTUS_VERSION}`]);
  await writeFile(join(SECANTUS_FOLDER, 'ready'), '');
}

/**
 * FerretDB from its Go module. `go install` makes a program that refuses to start, since the module lacks the file
 * that its releases have their version in; so the module is copied, given that file, and built.
 */
async function buildFerret(): Promise<void> {
  if (!onPath('go')) installPackages('golang-go');
  say(`building FerretDB ${FERRET_VERSION}`);
  const source = `${FERRET_FOLDER}.source`;
  await rm(source, { recursive: true, force: true });
  const found = run('go', ['mod', 'download', '-json', `github.com/FerretDB/FerretDB@${FERRET_VERSION}`]);
  await cp((JSON.parse(found) as { Dir: string }).Dir, source, { recursive: true });
  run('chmod', ['-R', 'u+w', source]);
  await writeFile(join(source, 'build/version/version.txt'), `${FERRET_VERSION}\n`);
  await mkdir(FERRET_FOLDER, { recursive: true });
  const draft = join(FERRET_FOLDER, 'ferretdb.draft');
  run('go', ['build', '-o', draft, './cmd/ferretdb'], { cwd: source });
  await rename(draft, join(FERRET_FOLDER, 'ferretdb'));
  await rm(source, { recursive: true, force: true });
}
