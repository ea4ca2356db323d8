import { messageOf } from '../../replication/errors.ts';
import type { ServerParts } from '../parts.ts';
import type { WriteForCenter } from './writes.ts';

/** Writes count as the center's upload. */
export function recordWrites(
  write: WriteForCenter,
  { operations }: Pick<ServerParts, 'operations'>,
): WriteForCenter {
  return async (centerId, docs, options) => {
    try {
      const outcomes = await write(centerId, docs, options);
      const records = outcomes.filter((outcome) => 'ok' in outcome).length;
      operations.transferred(centerId, 'upload', { records, refused: outcomes.length - records });
      return outcomes;
    } catch (error) {
      operations.failed(centerId, 'upload', messageOf(error));
      throw error;
    }
  };
}
