import type { CellFault, Fields } from './csv/cells.ts';
import { questionId as questionDocumentId, subjectId, testId } from './document-ids.ts';
import type { Origin } from './entries.ts';
import { duplicate, type FormPlan, type PlanContext, planDocument } from './plan.ts';
import type { QuestionFields, Registry } from './registry.ts';

/**
 * The question bank lies in the registry, since no center needs it. Publishing a test puts a copy of each of its
 * questions into the test's partition. A question that the authority corrects later is corrected in every published
 * test that has it: the export is the authority's word, also on the eve of the exam.
 */

const PUBLISHED = 'published';
const OPTIONS = ['A', 'B', 'C', 'D', 'E'] as const;

const OWNED = [
  ...['type', 'testId', 'questionId', 'subjectCode', 'position', 'text', 'options', 'correctOption'],
  ...['difficulty', 'points'],
];

export const questions: FormPlan = {
  async load(rows, { references, registry }) {
    const ids = rows.map((row) => String(row.fields.questionId));
    await references.load(rows.map((row) => subjectId(String(row.fields.subjectCode))));
    await loadQuestions(registry, ids);
    const inTests = ids.flatMap((id) => Object.keys(registry.get('positions', id) ?? {}));
    await registry.load(inTests.map((test) => `paper/${test}` as const));
  },
  plan(row, context) {
    const question = questionOf(row.fields);
    const questionId = String(row.fields.questionId);
    const faults: CellFault[] = [];
    if (!context.references.has(subjectId(String(row.fields.subjectCode)))) {
      faults.push({ field: 'subject_code', reason: 'unknown subject' });
    }
    if (!(question.correctOption in question.options)) {
      faults.push({ field: 'correct_option', reason: 'correct option is none of the options' });
    }
    if (faults.length > 0) return faults;
    if (!context.seen.add('question', questionId)) return duplicate('question_id', 'question id');
    context.registry.put('question', questionId, question);
    const positions = context.registry.get('positions', questionId) ?? {};
    for (const test of Object.keys(positions)) planQuestion(context, test, questionId, row.origin);
    return [];
  },
};

export const testQuestions: FormPlan = {
  async load(rows, { references, registry }) {
    await references.load(rows.map((row) => testId(String(row.fields.testId))));
    await loadQuestions(
      registry,
      rows.map((row) => String(row.fields.questionId)),
    );
    await registry.load(rows.map((row) => `paper/${row.fields.testId}` as const));
  },
  plan(row, context) {
    const { registry, references, seen } = context;
    const test = String(row.fields.testId);
    const questionId = String(row.fields.questionId);
    const position = Number(row.fields.position);
    const faults: CellFault[] = [];
    if (!references.has(testId(test))) faults.push({ field: 'test_id', reason: 'unknown test' });
    if (!registry.get('question', questionId)) {
      faults.push({ field: 'question_id', reason: 'unknown question' });
    }
    if (faults.length > 0) return faults;
    if (seen.has('paper', `${test}/${questionId}`)) return duplicate('question_id', 'question in the test');
    if (!seen.add('position', `${test}/${position}`)) return duplicate('position', 'position in the test');
    seen.add('paper', `${test}/${questionId}`);
    if (registry.get('paper', test)?.questions[questionId] === position) return [];
    linkQuestion(registry, test, questionId, position);
    planQuestion(context, test, questionId, row.origin);
    return [];
  },
};

/** Brings papers with all their questions into memory. */
export async function loadPapers(registry: Registry, tests: readonly string[]): Promise<void> {
  await registry.load(tests.map((test) => `paper/${test}` as const));
  await loadQuestions(
    registry,
    tests.flatMap((test) => Object.keys(registry.get('paper', test)?.questions ?? {})),
  );
}

/** Takes note of a test's status, and writes its questions when it is published. */
export function planPaper(context: PlanContext, test: string, status: string, origin: Origin): void {
  const paper = context.registry.get('paper', test);
  context.registry.put('paper', test, { status, questions: paper?.questions ?? {} });
  // What is published already has its questions.
  if (paper?.status === status) return;
  for (const questionId of Object.keys(paper?.questions ?? {})) {
    planQuestion(context, test, questionId, origin);
  }
}

/** Takes note that a test has a question at a position. Both entries must be loaded. */
export function linkQuestion(registry: Registry, test: string, questionId: string, position: number): void {
  const paper = registry.get('paper', test);
  registry.put('paper', test, { ...paper, questions: { ...paper?.questions, [questionId]: position } });
  registry.put('positions', questionId, { ...registry.get('positions', questionId), [test]: position });
}

export async function loadQuestions(registry: Registry, ids: readonly string[]): Promise<void> {
  await registry.load(ids.flatMap((id) => [`question/${id}`, `positions/${id}`] as const));
}

/** Forgets that a test has a question. Both entries must be loaded. */
export function unlinkQuestion(registry: Registry, test: string, questionId: string): void {
  const paper = registry.get('paper', test);
  const { [questionId]: _, ...questions } = paper?.questions ?? {};
  registry.put('paper', test, { ...paper, questions });
  const { [test]: __, ...positions } = registry.get('positions', questionId) ?? {};
  registry.put('positions', questionId, positions);
}

/** Writes a test's copy of a question, if the test is published. */
function planQuestion(context: PlanContext, test: string, questionId: string, origin: Origin): void {
  const { registry } = context;
  const question = registry.get('question', questionId);
  const paper = registry.get('paper', test);
  if (!question || paper?.status !== PUBLISHED) return;
  const position = paper.questions[questionId];
  const id = questionDocumentId(test, questionId);
  const fields = { type: 'question', testId: test, ...question, position };
  planDocument(context, { id, origin, owned: OWNED, fields });
}

/** `option_a` to `option_e` become `options: {A: …}`. */
function questionOf(fields: Fields): QuestionFields & { correctOption: string } {
  const question: Record<string, string | number> = { ...fields };
  const options: Record<string, string> = {};
  for (const letter of OPTIONS) {
    const option = question[`option${letter}`];
    delete question[`option${letter}`];
    if (option !== undefined) options[letter] = String(option);
  }
  const correctOption = String(fields.correctOption);
  return { ...question, correctOption, options } as QuestionFields & { correctOption: string };
}
