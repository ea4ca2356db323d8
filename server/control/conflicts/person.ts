import { type Content, contentOf, ownFields } from '../../../replication/conflicts/content.ts';
import { decide, sidesOf } from '../../../replication/conflicts/decide.ts';
import type { Leaf } from '../../../replication/conflicts/leaves.ts';
import { choose, type Resolution, resolveWith } from '../../../replication/conflicts/resolution.ts';
import { checkDocument, type StoredDocument } from '../../../replication/documents.ts';
import { SyncError } from '../../../replication/errors.ts';
import { parseId } from '../../../replication/ids.ts';
import type { ReadConflict } from './read.ts';
import { leavesOf } from './waiting.ts';

/** What a person decides: that one side stands as it is, or what the document is to say. */
export interface PersonDecision {
  choose?: string | undefined;
  merged?: Record<string, unknown> | undefined;
  /** The sides that the person saw. */
  leaves?: string[] | undefined;
}

/** Of these nothing is merged, whoever decides: they are signed. */
const SIGNED_TYPES: ReadonlySet<string> = new Set(['result', 'receipt']);
/** What a document read from the API has besides its own fields, and may be sent back with. */
const FIELDS_IGNORED: ReadonlySet<string> = new Set(['_id', '_rev', '_attachments']);

/**
 * What a person's decision comes to.
 * @throws SyncError conflict when the leaves are not those the person saw; bad_request for what cannot be decided so.
 */
export function resolutionFor(
  read: ReadConflict,
  decision: PersonDecision,
  seen: string[] | undefined,
): Resolution {
  const { conflict } = read;
  const type = parseId(conflict.id)?.type ?? '';
  if (type === 'log') throw new SyncError('bad_request', 'a log is evidence: both of its entries are kept');
  const present = leavesOf(conflict);
  if (seen && seen.join() !== present.join()) {
    throw new SyncError('conflict', `the leaves have changed since: they are ${present.join(', ')}`);
  }
  if (decision.choose !== undefined) return choose(conflict, chosenLeaf(sidesOf(conflict), decision.choose));
  if (SIGNED_TYPES.has(type)) throw new SyncError('bad_request', `a ${type} is signed: choose one side`);
  return resolveWith(conflict, mergedContent(read, decision.merged as Record<string, unknown>));
}

function chosenLeaf(sides: readonly Leaf[], rev: string): Leaf {
  const chosen = sides.find((leaf) => leaf.rev === rev);
  if (chosen) return chosen;
  const revs = sides.map((leaf) => leaf.rev).join(', ');
  throw new SyncError('conflict', `${rev} is not one of the leaves: they are ${revs}`);
}

/** A person's document, with the attachments that a merge keeps; where it names some, with those of them. */
function mergedContent({ conflict, base }: ReadConflict, merged: Record<string, unknown>): Content {
  const doc = { ...merged, _id: conflict.id } as StoredDocument;
  if (merged._id !== undefined && merged._id !== conflict.id) {
    throw new SyncError('bad_request', `_id: is not ${conflict.id}`);
  }
  const reserved = Object.keys(merged).find((field) => field.startsWith('_') && !FIELDS_IGNORED.has(field));
  if (reserved !== undefined) {
    throw new SyncError('bad_request', `${reserved}: fields that begin with _ are reserved`);
  }
  const [issue] = checkDocument(doc);
  if (issue) throw new SyncError('bad_request', `merged.${issue.field}: ${issue.reason}`);
  const kept = decide(conflict, base)?.content?.attachments ?? {};
  const all = Object.assign(
    {},
    ...conflict.live.toReversed().map((leaf) => contentOf(leaf).attachments),
    kept,
  );
  const names = doc._attachments === undefined ? Object.keys(kept) : Object.keys(doc._attachments);
  const missing = names.find((name) => !Object.hasOwn(all, name));
  if (missing !== undefined) throw new SyncError('bad_request', `no leaf has the attachment ${missing}`);
  return {
    fields: ownFields(doc),
    attachments: Object.fromEntries(names.map((name) => [name, all[name]])),
  };
}
