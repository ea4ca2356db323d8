import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SyncError } from '../../replication/errors.ts';
import type { ControlStore } from './store.ts';

/** The least length of an admin token, whoever chose it. */
const TOKEN_LENGTH = 24;

/** The administrator's token, and where it was found. */
export interface AdminToken {
  token: string;
  /** The file that holds it; absent when the environment does. */
  file: string | undefined;
}

/** The token from the configuration, else the one in `<dataDir>/admin-token`, made at the first start. */
export async function adminToken(dataDir: string, configured: string | undefined): Promise<AdminToken> {
  if (configured) return { token: configured, file: undefined };
  const file = join(dataDir, 'admin-token');
  const kept = await readFile(file, 'utf8').catch(absent);
  if (kept === undefined) {
    const token = randomBytes(24).toString('base64url');
    await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx', flush: true });
    return { token, file };
  }
  const token = kept.trim();
  if (token.length < TOKEN_LENGTH) {
    throw new SyncError('bad_request', `${file} holds fewer than ${TOKEN_LENGTH} characters`);
  }
  return { token, file };
}

/** The server's own id, 32 hexadecimal digits, made at the first start and kept in the control store. */
export async function serverUuid(store: ControlStore): Promise<string> {
  const space = store.space<string>('server');
  const kept = await space.get('uuid');
  if (kept) return kept;
  const uuid = randomBytes(16).toString('hex');
  await space.put('uuid', uuid);
  return uuid;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
