import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The servers that the tests of mirrors and ingest run against, where they are found. What the set-up makes lies in the
 * user's cache folder, so that a fresh clone does not build it again.
 */

export const SECANTUS_VERSION = '0.7.0b3';
export const FERRET_VERSION = 'v1.24.2';
/** What mongodb-memory-server downloads, where it can. */
export const MONGOD_VERSION = '7.0.14';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cbt-sync');

export const MONGOD_FOLDER = join(cache, 'mongod');
export const SECANTUS_FOLDER = join(cache, `secantus-${SECANTUS_VERSION}`);
export const FERRET_FOLDER = join(cache, `ferretdb-${FERRET_VERSION}`);

/** A MongoDB server to start, or one that runs. */
export type MongoFound =
  | { kind: 'running'; uri: string }
  | { kind: 'mongod'; command: string }
  | { kind: 'secantus'; command: string };

/** In this order: `MONGODB_URI`, a mongod on the PATH, one that was downloaded, SecantusDB. */
export function findMongo(): MongoFound | undefined {
  const uri = process.env.MONGODB_URI;
  return uri ? { kind: 'running', uri } : findOwnMongo();
}

/** One that a test can start and kill. */
export function findOwnMongo(): Exclude<MongoFound, { kind: 'running' }> | undefined {
  if (onPath('mongod')) return { kind: 'mongod', command: 'mongod' };
  const downloaded = join(MONGOD_FOLDER, 'mongod');
  if (existsSync(downloaded)) return { kind: 'mongod', command: downloaded };
  const python = join(SECANTUS_FOLDER, 'bin/python');
  return existsSync(join(SECANTUS_FOLDER, 'ready')) ? { kind: 'secantus', command: python } : undefined;
}

export function findRedis(): string | undefined {
  return onPath('redis-server') ? 'redis-server' : undefined;
}

/** FerretDB, a second MongoDB-compatible server; it has no change streams. */
export function findFerret(): string | undefined {
  const command = join(FERRET_FOLDER, 'ferretdb');
  return existsSync(command) ? command : undefined;
}

export function onPath(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}
