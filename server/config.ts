import { z } from 'zod';
import { SyncError } from '../replication/errors.ts';

/** It may name several hosts, which no URL does, and it has to name a database. */
const mongodbUri = z
  .string()
  .regex(/^mongodb(\+srv)?:\/\/[^/]+\/[^/?]+(\?.*)?$/, 'is not mongodb://<hosts>/<database>')
  .optional();

const schema = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  HOST: z.string().min(1).default('0.0.0.0'),
  DATA_DIR: z.string().min(1).default('./data'),
  HUB_URL: z.url({ protocol: /^https?$/ }).optional(),
  ADMIN_TOKEN: z.string().min(24, 'has fewer than 24 characters').optional(),
  RESOLVE_CONFLICTS: z.enum(['on', 'off']).default('on'),
  CONFLICT_SETTLE_MS: z.coerce.number().int().min(0).max(60_000).default(1500),
  MONGODB_URI: mongodbUri,
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  INGEST_MONGODB_URI: mongodbUri,
  MIRROR_LEASE_SECONDS: z.coerce.number().int().min(1).max(3600).default(10),
  INGEST_POLL_SECONDS: z.coerce.number().min(0.1).max(3600).default(1),
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
  /** False: every conflict waits for a person. */
  resolveConflicts: boolean;
  /** How long a conflict is left alone first, so that all its sides arrive. */
  conflictSettleMs: number;
  /** The MongoDB database that the hub is mirrored into; absent for none. */
  mongodbUri?: string | undefined;
  /** The Redis that live states and events go to; absent for none. */
  redisUrl?: string | undefined;
  /** The registration service's MongoDB database, which enrollments come from; absent for none. */
  ingestMongodbUri?: string | undefined;
  /** How often a source without change streams is read. */
  ingestPollMs?: number | undefined;
  /** How long a mirrored store is left to a server that is not heard of. */
  mirrorLeaseMs?: number | undefined;
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
  const {
    PORT,
    HOST,
    DATA_DIR,
    HUB_URL,
    ADMIN_TOKEN,
    RESOLVE_CONFLICTS,
    CONFLICT_SETTLE_MS,
    LOG_LEVEL,
    ...stores
  } = parsed.data;
  return {
    port: PORT,
    host: HOST,
    dataDir: DATA_DIR,
    hubUrl: HUB_URL,
    adminToken: ADMIN_TOKEN,
    resolveConflicts: RESOLVE_CONFLICTS === 'on',
    conflictSettleMs: CONFLICT_SETTLE_MS,
    mongodbUri: stores.MONGODB_URI,
    redisUrl: stores.REDIS_URL,
    ingestMongodbUri: stores.INGEST_MONGODB_URI,
    ingestPollMs: stores.INGEST_POLL_SECONDS * 1000,
    mirrorLeaseMs: stores.MIRROR_LEASE_SECONDS * 1000,
    logLevel: LOG_LEVEL,
  };
}
