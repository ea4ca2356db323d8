import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SyncError } from '../../replication/errors.ts';
import { createByteReader } from '../../replication/package/bytes.ts';
import { HEAD_LIMIT_BYTES, type PackageHead, parseHead } from '../../replication/package/manifest.ts';
import type { AuditLog } from '../control/audit.ts';

/**
 * Takes away what a server that was killed has left of packages that were coming in, and puts each on record. What was
 * written of one stays, and the rest comes when it is imported again.
 */
export async function clearLeftovers(folder: string, audit: AuditLog): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const { centerId, packageId } = (await headOf(file)) ?? {};
    const details = { packageId, reason: 'the server ended before all of it was imported: import it again' };
    await audit.append({ action: 'package.imported', actor: 'server', centerId, outcome: 'failed', details });
    await rm(file);
  }
}

/** `undefined` where the file ends before its first line does. */
async function headOf(file: string): Promise<PackageHead | undefined> {
  await using reader = createByteReader(createReadStream(file));
  try {
    return parseHead(await reader.line(HEAD_LIMIT_BYTES), new Uint8Array());
  } catch (error) {
    if (error instanceof SyncError) return undefined;
    throw error;
  }
}
