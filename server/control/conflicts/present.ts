import type { z } from 'zod';
import type { Content } from '../../../replication/conflicts/content.ts';
import { leafThatSays, sidesOf } from '../../../replication/conflicts/decide.ts';
import type { Conflict, Leaf } from '../../../replication/conflicts/leaves.ts';
import { CENTER_WRITTEN_TYPES } from '../../../replication/documents.ts';
import { centerOfPartition, parseId } from '../../../replication/ids.ts';
import { isObject } from '../../../replication/json.ts';
import type { ConflictView } from './desk.ts';
import { shown } from './read.ts';
import type { conflictAnswer } from './schemas.ts';

/** A conflict as the API answers it. */
export function presentConflict({
  conflict,
  base,
  decision,
  entry,
}: ConflictView): z.infer<typeof conflictAnswer> {
  return {
    ...entry,
    base: base ? { rev: base._rev as string, document: shown(base) } : null,
    sides: sidesOf(conflict).map((leaf) => ({
      rev: leaf.rev,
      deleted: leaf.doc._deleted === true,
      document: shown(leaf.doc),
      written: writtenBy(conflict.id, leaf),
    })),
    merge: base ? 'three-way' : 'two-way',
    twoWay: decision.twoWay ?? null,
    suggestion: decision.content ? suggestion(conflict, decision.content) : null,
  };
}

function suggestion(conflict: Conflict, content: Content) {
  const { fields, attachments } = content;
  const attached = Object.entries(attachments).map(([name, { contentType, length, digest }]) => [
    name,
    { content_type: contentType, length, digest, stub: true },
  ]);
  const stubs = attached.length > 0 ? { _attachments: Object.fromEntries(attached) } : {};
  return {
    rev: leafThatSays(conflict, content)?.rev ?? null,
    document: { _id: conflict.id, ...fields, ...stubs },
  };
}

/** What tells who wrote a leaf: the record of what centers sent, the type, and the marks of a node. */
function writtenBy(id: string, { doc, byCenter }: Leaf) {
  const parts = parseId(id);
  const isOfCenter = byCenter !== undefined || CENTER_WRITTEN_TYPES.has(parts?.type ?? '');
  const centerId = byCenter?.centerId ?? centerOfPartition(parts?.partition ?? '');
  return {
    side: isOfCenter ? ('center' as const) : ('online' as const),
    centerId: isOfCenter ? (centerId ?? null) : null,
    nodeId: typeof doc.nodeId === 'string' ? doc.nodeId : null,
    at: byCenter?.at ?? timesOf(doc).sort().at(-1) ?? null,
  };
}

/** The times that a document tells of itself. */
function timesOf({
  submittedAt,
  startedAt,
  updatedAt,
  assignedAt,
  withdrawnAt,
  at,
  answers,
}: Leaf['doc']): string[] {
  const ofAnswers = isObject(answers) ? Object.values(answers).map((answer) => Object(answer).at) : [];
  const all: unknown[] = [submittedAt, startedAt, updatedAt, assignedAt, withdrawnAt, at, ...ofAnswers];
  return all.filter((time): time is string => typeof time === 'string');
}
