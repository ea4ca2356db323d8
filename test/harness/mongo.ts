import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { findFerret, findMongo, findOwnMongo, type MongoFound } from '../stores/found.ts';
import { openFaultProxy } from './fault-proxy.ts';
import { type StoreProcess, startStore } from './store-process.ts';

/** A MongoDB server of a test's own, that can be killed and started again. */
export interface MongoServer extends AsyncDisposable {
  /** Which one it is: mongod, SecantusDB, FerretDB, or one that runs already (`MONGODB_URI`). */
  readonly kind: string;
  /** With the name of a database in it. */
  uri(database: string): string;
  readonly client: MongoClient;
  kill(): Promise<void>;
  start(): Promise<void>;
}

const SET = 'tests';

export interface MongoOptions {
  /** It remembers so few changes that a change stream cannot go on after some hundred. */
  shortHistory?: boolean;
}

/** A server with change streams. @throws Error when there is none: `npm test` sets one up. */
export async function startMongo(options: MongoOptions = {}): Promise<MongoServer> {
  // A history that is short has only a server of the test's own.
  const found = options.shortHistory ? findOwnMongo() : findMongo();
  if (!found) throw new Error('there is no MongoDB server: node test/stores/setup.ts sets one up');
  if (found.kind === 'running') return reachRunning(found.uri);
  const server = await startStore({
    command: found.command,
    args: (folder, port) => argumentsOf(found, folder, port, options),
    answers: ping,
  });
  if (found.kind === 'mongod') await makeReplicaSet(server.port);
  return mongoServer(found.kind, server);
}

/** FerretDB on SQLite: the same protocol without change streams. */
export async function startFerret(): Promise<MongoServer> {
  const command = findFerret();
  if (!command) throw new Error('there is no FerretDB: node test/stores/setup.ts sets one up');
  const server = await startStore({
    command,
    args: (folder, port) => [
      ...['--handler=sqlite', `--sqlite-url=file:${folder}/`, `--state-dir=${folder}`],
      ...[`--listen-addr=127.0.0.1:${port}`, '--debug-addr=-', '--telemetry=disable', '--log-level=error'],
    ],
    answers: ping,
  });
  return mongoServer('FerretDB', server);
}

function argumentsOf(
  found: MongoFound,
  folder: string,
  port: number,
  { shortHistory = false }: MongoOptions,
): string[] {
  if (found.kind === 'mongod') {
    const listen = ['--bind_ip', '127.0.0.1', '--port', String(port)];
    const history = shortHistory ? ['--oplogSize', '1'] : [];
    return ['--dbpath', folder, ...listen, '--replSet', SET, '--quiet', ...history];
  }
  const listen = ['--host', '127.0.0.1', '--port', String(port)];
  const history = shortHistory ? ['--oplog-max-entries', '50'] : [];
  return ['-m', 'secantus', ...listen, '--storage-path', folder, '--log-level', 'WARNING', ...history];
}

async function ping(port: number): Promise<boolean> {
  const options = { directConnection: true, serverSelectionTimeoutMS: 300 };
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/`, options);
  await client.db('admin').command({ ping: 1 });
  return true;
}

async function makeReplicaSet(port: number): Promise<void> {
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/`, { directConnection: true });
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
  await client.db('admin').command({ replSetInitiate: { _id: SET, members } });
}

function mongoServer(kind: string, server: StoreProcess): MongoServer {
  const uri = (database: string) => `mongodb://127.0.0.1:${server.port}/${database}?directConnection=true`;
  const client = new MongoClient(uri(''));
  return {
    kind,
    uri,
    client,
    kill: server.kill,
    start: server.start,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Databases of a test's own on a server that others use too: each name stands for another one. */
class OwnDatabases extends MongoClient {
  readonly #prefix = `cbt-test-${randomUUID().slice(0, 8)}-`;
  readonly #names = new Set<string>();

  own(name: string): string {
    this.#names.add(name);
    return this.#prefix + name;
  }

  override db(name: string): Db {
    return super.db(this.own(name));
  }

  async dropAll(): Promise<void> {
    for (const name of this.#names) await this.db(name).dropDatabase();
  }
}

/** A server that is not ours to kill: the line to it is cut instead. */
async function reachRunning(given: string): Promise<MongoServer> {
  const { host, protocol, searchParams, username, password } = new URL(given);
  const line = await openFaultProxy(`http://${host}`);
  const login = username ? `${username}:${password}@` : '';
  searchParams.set('directConnection', 'true');
  const client = new OwnDatabases(given);
  const uri = (database: string) =>
    `${protocol}//${login}${new URL(line.url).host}/${client.own(database)}?${searchParams}`;
  return {
    kind: 'running',
    uri,
    client,
    kill: () => line.down(),
    start: () => line.up(),
    async [Symbol.asyncDispose]() {
      await client.dropAll();
      await client.close();
      await line[Symbol.asyncDispose]();
    },
  };
}
