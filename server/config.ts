import { z } from 'zod';
import { SyncError } from '../replication/errors.ts';

const schema = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  HOST: z.string().min(1).default('0.0.0.0'),
  DATA_DIR: z.string().min(1).default('./data'),
  HUB_URL: z.url({ protocol: /^https?$/ }).optional(),
  ADMIN_TOKEN: z.string().min(24, 'has fewer than 24 characters').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** The server's configuration, from the environment only. */
export interface ServerConfig {
  port: number;
  host: string;
  dataDir: string;
  /** A CouchDB database, with credentials; absent for the embedded hub. */
  hubUrl: string | undefined;
  /** Absent: one is made at the first start and kept in `dataDir`. */
  adminToken: string | undefined;
  logLevel: string;
}

/** Reads the environment once. @throws SyncError bad_request that lists every bad variable at once. */
export function readConfig(env: NodeJS.ProcessEnv): ServerConfig {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    const list = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new SyncError('bad_request', `configuration: ${list.join('; ')}`);
  }
  const { PORT, HOST, DATA_DIR, HUB_URL, ADMIN_TOKEN, LOG_LEVEL } = parsed.data;
  return {
    port: PORT,
    host: HOST,
    dataDir: DATA_DIR,
    hubUrl: HUB_URL,
    adminToken: ADMIN_TOKEN,
    logLevel: LOG_LEVEL,
  };
}
