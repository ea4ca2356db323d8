import type { FastifyInstance } from 'fastify';
import { SyncError } from '../../replication/errors.ts';
import { type NodePublicKeys, nodeKeysSchema, type ServerPublicKeys } from '../../replication/node-keys.ts';
import type { Asker } from '../packages/download.ts';
import type { ServerParts } from '../parts.ts';
import { objectBody } from '../replica/request.ts';

/** `PUT /replicas/:centerId/_node`: a node registers its keys and learns the server's. Again changes nothing. */
export function registerNodeKeys(app: FastifyInstance, parts: Pick<ServerParts, 'exam' | 'packages'>): void {
  app.put<{ Params: { centerId: string } }>('/replicas/:centerId/_node', async (request) => {
    const parsed = nodeKeysSchema.safeParse(objectBody(request));
    if (!parsed.success) {
      const reasons = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      throw new SyncError('bad_request', reasons.join('; '));
    }
    const { centerId } = request.params;
    const by = { actor: `center ${centerId}`, from: request.ip };
    return takeNodeKeys(parts, centerId, parsed.data, by);
  });
}

/** @returns the server's keys. @throws SyncError conflict when the key belongs to another node. */
export async function takeNodeKeys(
  { exam, packages }: Pick<ServerParts, 'exam' | 'packages'>,
  centerId: string,
  { instanceId, publicKey, packageKey }: NodePublicKeys,
  by: Asker,
): Promise<ServerPublicKeys> {
  await exam.nodes.register(centerId, instanceId, publicKey, by);
  if (packageKey !== undefined) await packages.addRecipient(centerId, instanceId, packageKey);
  return { serverKey: exam.key, packageKey: packages.recipient };
}
