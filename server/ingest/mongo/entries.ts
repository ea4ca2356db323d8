import { BSON, type Document } from 'mongodb';
import { canonicalHash } from '../../../replication/canonical.ts';
import { messageOf } from '../../../replication/errors.ts';
import type { Entry } from '../entries.ts';
import type { CollectionMapping } from './mapping.ts';
import type { Remembered } from './memory.ts';

/** A document of the source as it is now, or only its id when it is deleted. */
export interface SourceDocument {
  mapping: CollectionMapping;
  id: string;
  doc: Document | undefined;
}

/** What a document of the source means for an import, and what is to be remembered of it. */
export interface Meaning {
  entries: EntryWithoutLine[];
  remembered: Remembered | undefined;
  faults: { field: string; reason: string }[];
}

type EntryWithoutLine = Entry extends infer One
  ? One extends unknown
    ? Omit<One, 'line' | 'file'>
    : never
  : never;

/** The key of a document that another one refers to; `undefined` when it has not come yet. */
export type KeyOf = (collection: string, id: string) => string | undefined;

/** The same for a document of a form that its mapping does not expect: one that cannot be read does not fit. */
export function meaningOrFault(
  document: SourceDocument,
  before: Remembered | undefined,
  keyOf: KeyOf,
  now: Date,
): Meaning {
  try {
    return meaningOf(document, before, keyOf, now);
  } catch (error) {
    const faults = [{ field: '', reason: `it cannot be read: ${messageOf(error)}` }];
    return { entries: [], remembered: { key: textOf(document.doc?.[document.mapping.key]) }, faults };
  }
}

/** Pure. `before` is what was remembered of the document. */
function meaningOf(
  { mapping, doc }: SourceDocument,
  before: Remembered | undefined,
  keyOf: KeyOf,
  now: Date,
): Meaning {
  if (!doc || mapping.isWanted?.(doc) === false) {
    const gone = before ? removedEntries(mapping, before) : [];
    return { entries: gone, remembered: undefined, faults: [] };
  }
  const faults: Meaning['faults'] = [];
  const refer = (field: string, collection: string, value: unknown): string => {
    const id = idText(value);
    const key = id === undefined ? undefined : keyOf(collection, id);
    if (key === undefined)
      faults.push({ field, reason: `unknown document of ${collection}: ${id ?? 'none'}` });
    return key ?? '';
  };
  const ref = (field: string) => refer(field, mapping.references[field] as string, doc[field]);
  const key = textOf(doc[mapping.key]);
  const entries: EntryWithoutLine[] = [];
  if (before && before.key !== key) entries.push(...removedEntries(mapping, before));
  entries.push({
    form: mapping.form,
    row: cells(mapping.row(doc, ref), faults),
    ...(mapping.sourceIds ? { sourceIds: sourceIdsOf(mapping.sourceIds, doc) } : {}),
  });
  const lists: Record<string, string[]> = {};
  for (const list of mapping.lists ?? []) {
    const ids = Array.isArray(doc[list.field]) ? (doc[list.field] as unknown[]) : [];
    const members = [...new Set(ids.map((id) => refer(list.field, list.to, id)))];
    lists[list.field] = members;
    const known = before?.lists?.[list.field];
    for (const [index, member] of members.entries()) {
      entries.push({ form: list.form, row: cells(list.row(key, member, index), faults) });
      if (known && !known.includes(member) && list.added) entries.push({ doc: list.added(key, member, now) });
    }
    for (const member of known ?? []) {
      if (!members.includes(member)) entries.push({ doc: list.removed(key, member, now) });
    }
  }
  const center = mapping.center === undefined ? undefined : keyOf(...centerOf(mapping, doc));
  const remembered = {
    key,
    ...(center === undefined ? {} : { center }),
    ...(mapping.lists ? { lists } : {}),
  };
  return { entries, remembered, faults };
}

/** Of all that is made of a document and does not depend on when. */
export function hashOf({ entries, remembered }: Meaning, hubId: string): string {
  const rows = entries.filter((entry) => 'row' in entry);
  return canonicalHash([hubId, rows, remembered?.lists ?? null]);
}

function centerOf({ references, center }: CollectionMapping, doc: Document): [string, string] {
  return [references[center as string] as string, idText(doc[center as string]) ?? ''];
}

function removedEntries({ removed }: CollectionMapping, { key, center }: Remembered): EntryWithoutLine[] {
  if (!removed || center === undefined) return [];
  return removed(key, center).map((doc) => ({ doc }));
}

function sourceIdsOf(fields: Record<string, string>, doc: Document): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      const id = idText(doc[field]);
      return id === undefined ? [] : [[name, id]];
    }),
  );
}

function cells(row: Record<string, unknown>, faults: Meaning['faults']): Record<string, string> {
  for (const [field, value] of Object.entries(row)) {
    if (isCompound(value)) faults.push({ field, reason: `neither text nor a number: ${idText(value)}` });
  }
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, textOf(value)]));
}

/** A value as the cell of a form has it; a time in UTC. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString();
  return String(value);
}

/** An `_id` as text: an ObjectId's hexadecimal digits, extended JSON of one that has fields. */
export function idText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  return isCompound(value) ? BSON.EJSON.stringify(value) : String(value);
}

/** Has fields or members: an ObjectId, a date, and a decimal have none. */
function isCompound(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !('_bsontype' in value);
}
