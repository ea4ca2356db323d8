import { pino } from 'pino';
import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import { findRunning } from '../../replication/running.ts';
import { readConfig } from '../config.ts';

/**
 * Runs a command against the server's API: of the server that runs on `DATA_DIR`, or, when none does, of one opened
 * for the command alone, on a loopback port that no one else is told. LevelDB admits one process.
 */
export async function withServerApi<Result>(
  env: NodeJS.ProcessEnv,
  run: (api: ApiClient) => Promise<Result>,
): Promise<Result> {
  const config = readConfig(env);
  const running = await findRunning(config.dataDir);
  if (running) {
    return run(createApiClient({ url: running.url, authorization: `Bearer ${running.token}` }));
  }
  // Beside a running server a command starts in a fraction of the time: it loads no database.
  const { openServer } = await import('../app.ts');
  // A command's standard output is its answer; the log goes beside it.
  const log = pino({ level: 'error' }, pino.destination({ dest: 2, sync: true }));
  await using server = await openServer({ ...config, host: '127.0.0.1', port: 0 }, { announce: false, log });
  try {
    return await run(createApiClient({ url: server.url, authorization: `Bearer ${server.adminToken}` }));
  } finally {
    // A request that was answered before all of it was sent would be waited for.
    server.app.server.closeAllConnections();
  }
}
