import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { SyncError } from '../../replication/errors.ts';

/** Takes bodies that are gzip, as CouchDB does. @throws SyncError unsupported_media_type for another encoding. */
export function unpackBodies(app: FastifyInstance): void {
  app.addHook('preParsing', async (request, _reply, payload) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding === 'identity') return payload;
    if (encoding !== 'gzip') {
      throw new SyncError('unsupported_media_type', 'Only gzip and identity content-encodings are supported');
    }
    delete request.headers['content-length'];
    const gunzip = createGunzip();
    // Both end together: a client that goes away in the middle must not leave the other half waiting.
    pipeline(payload, gunzip).catch(() => undefined);
    return gunzip as Readable & { receivedEncodedLength?: number };
  });
}
