import type { StoredDocument } from '../../replication/documents.ts';
import { centerOfPartition, type DocumentId, parseId, testOfPartition } from '../../replication/ids.ts';
import type { ControlStore } from '../control/store.ts';
import type { Hub } from '../hub.ts';
import type { Fields } from './csv/cells.ts';
import { linkQuestion, loadQuestions, unlinkQuestion } from './questions.ts';
import { openRegistry, type QuestionFields, type Registry } from './registry.ts';
import { contentOf } from './write.ts';

/** What the registry learns from the hub's documents. */

const PAGE = 500;
const PARTITION_PREFIXES = ['center-', 'test-'];

/**
 * Makes sure that the registry agrees with the hub: after an import that did not come to its end, and for a hub
 * that the registry does not know, all that can be derived is derived again. Nothing is done otherwise.
 */
export async function reconcileRegistry({ hub, store }: { hub: Hub; store: ControlStore }): Promise<void> {
  const registry = openRegistry(store, { dry: false });
  const identity = await hub.identity();
  const state = await registry.state();
  if (state?.complete && state.hub === identity) return;
  for (const kind of ['enrollment', 'code', 'places'] as const) await registry.clear(kind);
  for (const prefix of PARTITION_PREFIXES) {
    for await (const docs of pagesOf(hub, prefix)) {
      await learn(docs, registry);
      await registry.flush();
    }
  }
  await registry.setState({ hub: identity, complete: true });
}

async function* pagesOf(hub: Hub, prefix: string): AsyncGenerator<StoredDocument[]> {
  let startkey = prefix;
  for (;;) {
    const { rows } = await hub.db.allDocs({
      startkey,
      endkey: `${prefix}\uffff`,
      include_docs: true,
      limit: PAGE,
    });
    if (rows.length > 0) yield rows.flatMap(({ doc }) => (doc ? [doc as StoredDocument] : []));
    if (rows.length < PAGE) return;
    // No id ends in this character, so this is the place right after the last row.
    startkey = `${rows.at(-1)?.id}\u0000`;
  }
}

async function learn(docs: readonly StoredDocument[], registry: Registry): Promise<void> {
  for (const doc of docs) {
    const id = parseId(doc._id);
    if (!id) continue;
    if (id.type === 'enrollment') await learnEnrollment(doc, id, registry);
    if (id.type === 'student') await registry.load([`student/${id.key}`]);
    if (id.type === 'test') await registry.load([`paper/${id.key}`]);
    if (id.type === 'question') {
      await loadQuestions(registry, [id.key]);
      await registry.load([`paper/${testOfPartition(id.partition)}`]);
    }
    // The bank and the students may be ahead of the hub's copies: what is known stays.
    if (id.type === 'student' && registry.get('student', id.key)) continue;
    register(doc, id, registry);
  }
}

async function learnEnrollment(doc: StoredDocument, id: DocumentId, registry: Registry): Promise<void> {
  const centerId = centerOfPartition(id.partition) ?? '';
  const { registrationNumber, accessCode } = doc as StoredDocument & Record<string, string>;
  if (!registrationNumber || !accessCode) return;
  await registry.load([`places/${registrationNumber}`]);
  registry.put('enrollment', id.key, { centerId, registrationNumber, accessCode });
  registry.put('code', accessCode, id.key);
  const places = registry.get('places', registrationNumber);
  registry.put('places', registrationNumber, { ...places, [id.key]: centerId });
}

/** Takes note of a student, a test or a question; its entries must be loaded. */
export function register(doc: StoredDocument, id: DocumentId, registry: Registry): void {
  const { type: _, ...fields } = contentOf(doc);
  if (id.type === 'student') registry.put('student', id.key, fields as Fields);
  if (id.type === 'test') {
    const questions = registry.get('paper', id.key)?.questions ?? {};
    registry.put('paper', id.key, { status: String(doc.status), questions });
  }
  if (id.type !== 'question') return;
  const { testId, position, ...question } = fields;
  if (!registry.get('question', id.key)) registry.put('question', id.key, question as QuestionFields);
  linkQuestion(registry, String(testId), id.key, Number(position));
}

/** Takes note that a test's question or a test is deleted. */
export function unregister(id: DocumentId, registry: Registry): void {
  const test = testOfPartition(id.partition);
  if (id.type === 'question' && test) unlinkQuestion(registry, test, id.key);
  if (id.type === 'test') {
    registry.put('paper', id.key, { questions: registry.get('paper', id.key)?.questions ?? {} });
  }
}
