import type { ServerParts } from '../../parts.ts';
import { FORM_ORDER } from '../csv/forms.ts';
import type { Entry, Fault } from '../entries.ts';
import { importEntries } from '../run.ts';
import { hashOf, idText, type Meaning, meaningOrFault, type SourceDocument } from './entries.ts';
import { MAPPINGS } from './mapping.ts';
import { type IngestError, type Memory, nameOf, type Remembered } from './memory.ts';

/** Brings documents of the source into the hub. */
export interface Applied {
  /** Documents that meant something new. */
  changed: number;
  /** Documents that do not fit. */
  refused: number;
}

type Parts = Pick<ServerParts, 'hub' | 'store' | 'importing'>;

/**
 * Applies a batch, in which each document of the source stands once. What means the same as last time is passed over;
 * what does not fit is kept as an error, until it fits.
 */
export async function applyDocuments(
  parts: Parts,
  memory: Memory,
  documents: readonly SourceDocument[],
  hubId: string,
): Promise<Applied> {
  const applied = { changed: 0, refused: 0 };
  for (const mapping of MAPPINGS) {
    const ofMapping = documents.filter((document) => document.mapping === mapping);
    if (ofMapping.length === 0) continue;
    const some = await applyCollection(parts, memory, ofMapping, hubId);
    applied.changed += some.changed;
    applied.refused += some.refused;
  }
  return applied;
}

interface Plan {
  document: SourceDocument;
  meaning: Meaning;
  hash: string;
}

async function applyCollection(
  parts: Parts,
  memory: Memory,
  documents: readonly SourceDocument[],
  hubId: string,
): Promise<Applied> {
  const collection = documents[0]?.mapping.collection as string;
  const before = await memory.get(
    collection,
    documents.map(({ id }) => id),
  );
  const keyOf = await loadReferences(memory, documents);
  const now = new Date();
  const plans = documents.flatMap((document, index): Plan[] => {
    const meaning = meaningOrFault(document, before[index], keyOf, now);
    const hash = hashOf(meaning, hubId);
    return meaning.remembered && before[index]?.hash === hash ? [] : [{ document, meaning, hash }];
  });
  const faults = await importPlans(parts, plans);
  await remember(memory, collection, plans, before, documents, faults, now);
  return { changed: plans.length, refused: faults.size };
}

/** Imports what documents mean. @returns what is wrong with each, by its place. */
async function importPlans(
  { hub, store, importing }: Parts,
  plans: readonly Plan[],
): Promise<Map<number, Fault>> {
  const faults = new Map<number, Fault>();
  const entries: Entry[] = [];
  for (const [index, { meaning }] of plans.entries()) {
    const line = index + 1;
    const [fault] = meaning.faults;
    if (fault) faults.set(index, { line, ...fault });
    else entries.push(...meaning.entries.map((entry) => ({ ...entry, line }) as Entry));
  }
  if (entries.length === 0) return faults;
  await importing(async () => {
    for await (const event of importEntries({ hub, store }, inOrder(entries), { dry: false })) {
      if ('fault' in event && !faults.has(event.fault.line - 1))
        faults.set(event.fault.line - 1, event.fault);
    }
  });
  return faults;
}

/** What others refer to comes before them, whichever documents the rows are of; what is taken out comes last. */
async function* inOrder(entries: readonly Entry[]): AsyncGenerator<Entry> {
  const rank = (entry: Entry) => ('form' in entry ? FORM_ORDER.indexOf(entry.form) : FORM_ORDER.length);
  yield* entries.toSorted((a, b) => rank(a) - rank(b));
}

async function remember(
  memory: Memory,
  collection: string,
  plans: readonly Plan[],
  before: readonly (Remembered | undefined)[],
  documents: readonly SourceDocument[],
  faults: ReadonlyMap<number, Fault>,
  now: Date,
): Promise<void> {
  const remembered = new Map<string, Remembered | undefined>();
  const errors = new Map<string, IngestError | undefined>();
  for (const [index, { document, meaning, hash }] of plans.entries()) {
    const name = nameOf(collection, document.id);
    const fault = faults.get(index);
    if (!fault) {
      remembered.set(name, meaning.remembered && { ...meaning.remembered, hash });
      errors.set(name, undefined);
      continue;
    }
    // What others refer to it by holds all the same; without a hash it is looked at again.
    const known = before[documents.indexOf(document)];
    const key = meaning.remembered?.key ?? '';
    if (known) remembered.set(name, { ...known, hash: '' });
    const { field, reason } = fault;
    errors.set(name, { collection, id: document.id, key: key || null, field, reason, at: now.toISOString() });
  }
  await memory.put({ remembered, errors });
}

/** Brings into memory the keys of all that documents refer to. */
async function loadReferences(
  memory: Memory,
  documents: readonly SourceDocument[],
): Promise<(collection: string, id: string) => string | undefined> {
  const wanted = new Map<string, Set<string>>();
  const want = (collection: string, value: unknown) => {
    const id = idText(value);
    if (id !== undefined) wanted.set(collection, (wanted.get(collection) ?? new Set()).add(id));
  };
  for (const { mapping, doc } of documents) {
    for (const [field, collection] of Object.entries(mapping.references)) want(collection, doc?.[field]);
    for (const { field, to } of mapping.lists ?? []) {
      for (const id of Array.isArray(doc?.[field]) ? (doc[field] as unknown[]) : []) want(to, id);
    }
  }
  const keys = new Map<string, string>();
  for (const [collection, ids] of wanted) {
    const list = [...ids];
    for (const [index, found] of (await memory.get(collection, list)).entries()) {
      if (found) keys.set(nameOf(collection, list[index] as string), found.key);
    }
  }
  return (collection, id) => keys.get(nameOf(collection, id));
}
