import { Redis } from 'ioredis';
import { findRedis } from '../stores/found.ts';
import { startStore } from './store-process.ts';

/** A Redis server of a test's own, with every write on its disk, that can be killed and started again. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Waits for the server while it is away. */
  readonly client: Redis;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** @throws Error when there is none: `npm test` sets one up. */
export async function startRedis(): Promise<RedisServer> {
  const command = findRedis();
  if (!command) throw new Error('there is no redis-server: node test/stores/setup.ts sets one up');
  const server = await startStore({
    command,
    args: (folder, port) => [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
    ],
    answers: ping,
  });
  const url = `redis://127.0.0.1:${server.port}`;
  const client = quiet(new Redis(url, { maxRetriesPerRequest: null }));
  return {
    url,
    client,
    kill: server.kill,
    start: server.start,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function ping(port: number): Promise<boolean> {
  const options = { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 };
  const client = quiet(new Redis(`redis://127.0.0.1:${port}`, options));
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    client.disconnect();
  }
}

/** A client without a listener prints each lost connection. */
function quiet(client: Redis): Redis {
  return client.on('error', () => {});
}
