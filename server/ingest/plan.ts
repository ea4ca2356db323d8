import type { StoredDocument } from '../../replication/documents.ts';
import { readDocuments } from '../control/hub-documents.ts';
import type { Hub } from '../hub.ts';
import type { CellFault, Fields } from './csv/cells.ts';
import type { Origin } from './entries.ts';
import type { Registry } from './registry.ts';
import type { Change } from './write.ts';

/** A row whose cells are right. */
export interface Row {
  origin: Origin;
  fields: Fields;
  sourceIds?: Record<string, string> | undefined;
}

/** What one form does with its rows. */
export interface FormPlan {
  /** Brings into memory what `plan` asks of the registry and of the references. */
  load(rows: readonly Row[], context: PlanContext): Promise<void>;
  /** Plans a row's changes. @returns what is wrong with it; then nothing was planned. */
  plan(row: Row, context: PlanContext): CellFault[];
}

/** What the rows of a batch are planned with. */
export interface PlanContext {
  registry: Registry;
  references: References;
  seen: Seen;
  /** By document id: a later change of a document replaces an earlier one of the batch. */
  changes: Map<string, Change>;
}

/** The fault of a row that repeats another of its file. */
export function duplicate(field: string, label: string): CellFault[] {
  return [{ field, reason: `duplicate ${label}` }];
}

/** Adds a change to a batch. */
export function planChange(context: PlanContext, change: Change): void {
  context.changes.set(change.id, change);
}

/** Adds a document that consists of `fields`; fields that others have added to it stay. */
export function planDocument(
  context: PlanContext,
  doc: { id: string; origin: Origin; owned: Owned; fields: Record<string, unknown>; fresh?: boolean },
): void {
  const { id, origin, owned, fields, fresh = false } = doc;
  planChange(context, { id, origin, fresh, target: (found) => merge(id, found, owned, fields) });
}

/** The fields that a source has the say about. */
export type Owned = readonly string[] | 'all';

/** A document as it is found with the fields of `owned` replaced by `fields`. */
export function merge(
  id: string,
  found: StoredDocument | undefined,
  owned: Owned,
  fields: Record<string, unknown>,
): StoredDocument {
  if (owned === 'all' || !found) return { ...fields, _id: id };
  const kept = Object.entries(found).filter(([field]) => !owned.includes(field));
  return { ...Object.fromEntries(kept), ...fields, _id: id };
}

/** Which documents that rows refer to are in the hub, or have come in the same run. */
export interface References {
  load(ids: Iterable<string>): Promise<void>;
  has(id: string): boolean;
  add(id: string): void;
}

export function createReferences(hub: Hub): References {
  const known = new Map<string, boolean>();
  return {
    async load(ids) {
      const asked = [...new Set(ids)].filter((id) => !known.has(id));
      const found = await readDocuments(hub, asked);
      for (const id of asked) known.set(id, found.has(id));
    },
    has: (id) => known.get(id) === true,
    add: (id) => known.set(id, true),
  };
}

/** What a file has said already, for what must not stand in it twice. */
export interface Seen {
  /** Remembers `key`. @returns whether it is new. */
  add(kind: string, key: string): boolean;
  has(kind: string, key: string): boolean;
}

export function createSeen(): Seen {
  const seen = new Set<string>();
  return {
    add(kind, key) {
      const before = seen.size;
      seen.add(`${kind}/${key}`);
      return seen.size > before;
    },
    has: (kind, key) => seen.has(`${kind}/${key}`),
  };
}
