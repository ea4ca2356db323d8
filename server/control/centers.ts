import { checkDocument, type StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { centerPartition, formatId, isIdPart } from '../../replication/ids.ts';
import type { CoreParts } from '../parts.ts';
import { editDocument, readDocuments } from './hub-documents.ts';
import type { CenterAnswer, NewCenter } from './schemas.ts';

/** The centers: their documents in the hub, whoever wrote them, and their secrets. */
export interface Centers {
  /** Makes a center, or gives one that was imported its first secret. @throws SyncError conflict, bad_request. */
  create(center: NewCenter): Promise<{ centerId: string; secret: string }>;
  /** Makes the next secret; the one before is dead when this resolves. @throws SyncError not_found. */
  replaceSecret(centerId: string): Promise<{ centerId: string; secret: string }>;
  /** @throws SyncError not_found. */
  get(centerId: string): Promise<CenterAnswer>;
  list(): Promise<CenterAnswer[]>;
}

export function createCenters({ hub, feed, credentials }: CoreParts): Centers {
  function answerOf(centerId: string, doc: StoredDocument | undefined): CenterAnswer {
    const { _id, _rev, _attachments, type, ...fields } = doc ?? ({ _id: '' } as StoredDocument);
    return {
      name: '',
      ...fields,
      centerId,
      hasSecret: credentials.exists(centerId),
      assigned: feed.scope(centerId).assigned,
    };
  }

  return {
    async create(center) {
      const { centerId } = center;
      if (credentials.exists(centerId)) {
        throw new SyncError(
          'conflict',
          `center ${centerId} exists; "cbt-server center secret ${centerId}" (POST /api/centers/${centerId}/secret) replaces its secret`,
        );
      }
      await editDocument(hub, centerDocumentId(centerId), (found) => {
        if (!found && center.name === undefined) {
          throw new SyncError('bad_request', 'name: a center that is not in the hub yet needs one');
        }
        const doc = { ...found, ...center, _id: centerDocumentId(centerId), type: 'center' };
        const [issue] = checkDocument(doc);
        if (issue) throw new SyncError('bad_request', `${issue.field}: ${issue.reason}`);
        return doc;
      });
      await feed.fresh();
      return { centerId, secret: await credentials.create(centerId) };
    },

    async replaceSecret(centerId) {
      if (!credentials.exists(centerId)) {
        await this.get(centerId);
        throw new SyncError(
          'not_found',
          `center ${centerId} has no secret yet; "cbt-server center add ${centerId}" (POST /api/centers) makes one`,
        );
      }
      return { centerId, secret: await credentials.replace(centerId) };
    },

    async get(centerId) {
      const id = isIdPart(centerId) ? centerDocumentId(centerId) : undefined;
      const doc = id && (await readDocuments(hub, [id])).get(id);
      if (!doc && !credentials.exists(centerId)) {
        throw new SyncError('not_found', `there is no center ${centerId}`);
      }
      await feed.fresh();
      return answerOf(centerId, doc || undefined);
    },

    async list() {
      await feed.fresh();
      const ids = [...new Set([...feed.centers(), ...credentials.list()])].sort();
      const docs = await readDocuments(hub, ids.map(centerDocumentId));
      return ids
        .filter((centerId) => credentials.exists(centerId) || docs.has(centerDocumentId(centerId)))
        .map((centerId) => answerOf(centerId, docs.get(centerDocumentId(centerId))));
    },
  };
}

/** The id of a center's own document. */
export function centerDocumentId(centerId: string): string {
  return formatId(centerPartition(centerId), 'center', centerId);
}
