import type { CoreParts } from '../parts.ts';
import { type Mirror, startMirror } from './mirror.ts';

/** Starts the mirrors that the configuration names. A driver that is not needed is not loaded. */
export async function openMirrors(parts: Omit<CoreParts, 'mirrors' | 'ingest'>): Promise<Mirror[]> {
  const { mongodbUri, redisUrl } = parts.config;
  const mirrors: Mirror[] = [];
  if (mongodbUri) {
    const { openMongoStore } = await import('./mongo/open.ts');
    mirrors.push(startMirror('mongo', parts, openMongoStore(mongodbUri, parts)));
  }
  if (redisUrl) {
    const { openRedisStore } = await import('./redis/open.ts');
    mirrors.push(startMirror('redis', parts, openRedisStore(redisUrl, parts)));
  }
  return mirrors;
}
