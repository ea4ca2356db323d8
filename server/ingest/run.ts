import type { ControlStore } from '../control/store.ts';
import type { Hub } from '../hub.ts';
import { type CellFault, readCells } from './csv/cells.ts';
import type { FormName } from './csv/forms.ts';
import { loadDocuments, planDocumentEntry } from './documents.ts';
import {
  type Enrollment,
  enrollmentPlan,
  loadEnrollments,
  planEnrollment,
  refusedCodes,
} from './enrollments.ts';
import type { DocumentEntry, Entry, Fault, Note, Origin, RowEntry } from './entries.ts';
import { createReferences, createSeen, type FormPlan, type PlanContext, type Row } from './plan.ts';
import { questions, testQuestions } from './questions.ts';
import { centers, subjects, testCenters, tests } from './reference-data.ts';
import { reconcileRegistry } from './register.ts';
import { openRegistry, type Registry } from './registry.ts';
import { students } from './students.ts';
import { applyChanges, originOf } from './write.ts';

/** What an import has come to: `written`, `unchanged` and `deleted` count documents, the others lines. */
export interface ImportCounts {
  lines: number;
  written: number;
  unchanged: number;
  deleted: number;
  refused: number;
}

export type ImportEvent = { fault: Fault } | { note: Note } | { progress: ImportCounts };

/** How many lines are planned and written together: enough to share a sync, few enough to bound memory. */
const BATCH_LINES = 200;

/**
 * Brings entries into the hub, batch by batch. What is wrong with a line is an event, and the next one is read.
 * Repeating an import writes nothing that is there already, also after one that was cut off anywhere.
 * A dry run reads and checks all the same and writes nothing.
 * @returns the counts. @throws SyncError when the hub fails.
 */
export async function* importEntries(
  { hub, store }: { hub: Hub; store: ControlStore },
  entries: AsyncIterable<Entry>,
  { dry }: { dry: boolean },
): AsyncGenerator<ImportEvent, ImportCounts> {
  await reconcileRegistry({ hub, store });
  const registry = openRegistry(store, { dry });
  const run = createRun(hub, registry, dry);
  const identity = await hub.identity();
  if (!dry) await registry.setState({ hub: identity, complete: false });
  for await (const batch of batchesOf(entries)) {
    yield* run.take(batch);
    yield { progress: { ...run.counts } };
  }
  yield* run.endFile();
  if (!dry) await registry.setState({ hub: identity, complete: true });
  return run.counts;
}

/** Entries in order, in batches of one file and one form. */
async function* batchesOf(entries: AsyncIterable<Entry>): AsyncGenerator<Entry[]> {
  let batch: Entry[] = [];
  for await (const entry of entries) {
    if (batch[0] && (batch.length === BATCH_LINES || batch[0].file !== entry.file)) {
      yield batch;
      batch = [];
    }
    batch.push(entry);
  }
  if (batch.length > 0) yield batch;
}

function createRun(hub: Hub, registry: Registry, dry: boolean) {
  const counts: ImportCounts = { lines: 0, written: 0, unchanged: 0, deleted: 0, refused: 0 };
  const references = createReferences(hub);
  let seen = createSeen();
  let file: string | undefined;
  let deferred: Enrollment[] = [];
  const defer = (enrollment: Enrollment) => deferred.push(enrollment);
  const plans: Record<FormName, FormPlan> = {
    subjects,
    centers,
    tests,
    questions,
    'test-questions': testQuestions,
    'test-centers': testCenters,
    students,
    enrollments: enrollmentPlan(defer),
  };
  const newContext = (): PlanContext => ({ registry, references, seen, changes: new Map() });

  async function planRows(entries: readonly RowEntry[], context: PlanContext): Promise<Fault[]> {
    const faults: Fault[] = [];
    const rows: (Row & { form: FormName })[] = [];
    for (const entry of entries) {
      const cells = readCells(entry.form, entry.row);
      faults.push(...faultsAt(entry, cells.faults));
      if (cells.faults.length > 0) continue;
      const { form, sourceIds } = entry;
      rows.push({ form, origin: originOf(entry), fields: cells.fields, sourceIds });
    }
    for (const form of new Set(rows.map((row) => row.form))) {
      const plan = plans[form];
      const ofForm = rows.filter((row) => row.form === form);
      await plan.load(ofForm, context);
      for (const row of ofForm) faults.push(...faultsAt(row.origin, plan.plan(row, context)));
    }
    return faults;
  }

  async function planDocuments(entries: readonly DocumentEntry[], context: PlanContext): Promise<Fault[]> {
    await loadDocuments(entries, registry);
    return entries.flatMap((entry) => faultsAt(entry, planDocumentEntry(entry, context, defer)));
  }

  /** Writes a batch's changes, first to the hub, then to the registry. */
  async function* commit(context: PlanContext, faults: Fault[]): AsyncGenerator<ImportEvent> {
    const applied = await applyChanges(hub, [...context.changes.values()], { dry });
    await registry.flush();
    counts.written += applied.written;
    counts.unchanged += applied.unchanged;
    counts.deleted += applied.deleted;
    const all = [...faults, ...applied.faults].sort((a, b) => a.line - b.line);
    counts.refused += new Set(all.map((fault) => fault.line)).size;
    for (const fault of all) yield { fault };
  }

  /** Decides on the enrollments whose access code another one held while the file was read. */
  async function* endFile(): AsyncGenerator<ImportEvent> {
    const waiting = deferred;
    deferred = [];
    if (waiting.length > 0) {
      const context = newContext();
      await loadEnrollments(registry, waiting);
      const refused = refusedCodes(registry, waiting);
      for (const enrollment of waiting) if (!refused.has(enrollment)) planEnrollment(enrollment, context);
      const field = file === undefined ? 'accessCode' : 'access_code';
      const faults = [...refused].map(({ origin }) => ({
        ...origin,
        field,
        reason: 'duplicate access code',
      }));
      yield* commit(context, faults);
    }
    seen = createSeen();
  }

  /** Takes a batch of one file. */
  async function* take(batch: readonly Entry[]): AsyncGenerator<ImportEvent> {
    if (batch[0]?.file !== file) {
      yield* endFile();
      file = batch[0]?.file;
    }
    const context = newContext();
    const faults: Fault[] = [];
    const rows: RowEntry[] = [];
    const documents: DocumentEntry[] = [];
    for (const entry of batch) {
      if ('note' in entry) yield { note: entry };
      else counts.lines += 1;
      if ('reason' in entry) faults.push(entry);
      if ('row' in entry) rows.push(entry);
      if ('doc' in entry) documents.push(entry);
    }
    faults.push(...(await planRows(rows, context)), ...(await planDocuments(documents, context)));
    yield* commit(context, faults);
  }

  return { counts, take, endFile };
}

function faultsAt(origin: Origin, faults: readonly CellFault[]): Fault[] {
  return faults.map(({ field, reason }) => ({ ...originOf(origin), field, reason }));
}
