import { pino } from 'pino';
import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import { findRunning } from '../../replication/running.ts';
import { openNode } from '../app.ts';
import { readConfig } from '../config.ts';

/**
 * Runs a command against the node's API: of the node that runs on `DATA_DIR`, or, when none does, of one opened for the
 * command alone, on a loopback port that no one else is told. LevelDB admits one process.
 */
export async function withNodeApi<Result>(
  env: NodeJS.ProcessEnv,
  run: (api: ApiClient) => Promise<Result>,
): Promise<Result> {
  const config = readConfig(env);
  const running = await findRunning(config.dataDir);
  if (running) return run(createApiClient({ url: running.url, authorization: `Bearer ${running.token}` }));
  // A command's standard output is its answer; the log goes beside it.
  const log = pino({ level: 'error' }, pino.destination({ dest: 2, sync: true }));
  await using node = await openNode({ ...config, host: '127.0.0.1', port: 0 }, { follow: false, log });
  try {
    return await run(createApiClient({ url: node.url, authorization: `Bearer ${node.token}` }));
  } finally {
    // A request that was answered before all of it was sent would be waited for.
    node.app.server.closeAllConnections();
  }
}
