import type { StoredDocument } from '../../replication/documents.ts';
import { centerPartition, formatId, isIdPart, parseId } from '../../replication/ids.ts';
import type { ServerParts } from '../parts.ts';

/** A candidate's documents. Logs are always taken: they tell what happened. */
const TYPES: ReadonlySet<string> = new Set(['session', 'answers', 'result']);

/**
 * Which of a center's writes come too late: their test was withdrawn, their enrollment moved or taken out, their node
 * replaced. Only what the server knows for certain counts: a document that names none of these is not late.
 * @returns the reasons, by document.
 */
export async function findTooLate(
  { feed, exam }: Pick<ServerParts, 'feed' | 'exam'>,
  centerId: string,
  docs: readonly StoredDocument[],
): Promise<Map<StoredDocument, string>> {
  const late = new Map<StoredDocument, string>();
  const enrolled = new Map<StoredDocument, string>();
  const partition = centerPartition(centerId);
  for (const doc of docs) {
    if (doc._deleted || !TYPES.has(parseId(doc._id)?.type ?? '')) continue;
    const { testId, enrollmentId } = doc;
    const replaced = writersOf(doc, exam).find((nodeId) => exam.nodes.isReplaced(centerId, nodeId));
    if (replaced !== undefined) {
      late.set(doc, `node ${replaced} was replaced`);
    } else if (typeof testId === 'string' && feed.assignment(centerId, testId) === 'withdrawn') {
      late.set(doc, `test ${testId} was withdrawn from center ${centerId}`);
    } else if (typeof enrollmentId === 'string' && isIdPart(enrollmentId)) {
      enrolled.set(doc, formatId(partition, 'enrollment', enrollmentId));
    }
  }
  const deleted = await feed.deletedOf(partition, [...new Set(enrolled.values())]);
  for (const [doc, id] of enrolled) {
    if (deleted.has(id)) late.set(doc, `enrollment ${doc.enrollmentId} was moved or taken out online`);
  }
  return late;
}

/** The node that a document names, and the one whose key it names. */
function writersOf({ nodeId, keyId }: StoredDocument, { records }: ServerParts['exam']): string[] {
  const byKey = typeof keyId === 'string' ? records.key(keyId)?.instanceId : undefined;
  return [nodeId, byKey].filter((id): id is string => typeof id === 'string');
}
