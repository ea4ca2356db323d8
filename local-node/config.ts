import { z } from 'zod';
import { SyncError } from '../replication/errors.ts';

const schema = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(5000),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATA_DIR: z.string().min(1).default('./data-node'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LINE_SILENCE_SECONDS: z.coerce.number().positive().max(3600).default(30),
});

/** The node's configuration, from the environment only. */
export interface NodeConfig {
  port: number;
  /** Loopback unless told otherwise: what listens at a center is for that machine alone. */
  host: string;
  dataDir: string;
  logLevel: string;
  /** How long the line to the server may be silent before it is taken for dead. */
  silenceMs: number;
}

/** Reads the environment once. @throws SyncError bad_request that lists every bad variable at once. */
export function readConfig(env: NodeJS.ProcessEnv): NodeConfig {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    const list = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new SyncError('bad_request', `configuration: ${list.join('; ')}`);
  }
  const { PORT, HOST, DATA_DIR, LOG_LEVEL, LINE_SILENCE_SECONDS } = parsed.data;
  return {
    port: PORT,
    host: HOST,
    dataDir: DATA_DIR,
    logLevel: LOG_LEVEL,
    silenceMs: LINE_SILENCE_SECONDS * 1000,
  };
}
