import { type CellFault, fieldsOf } from './csv/cells.ts';
import { assignmentId, centerId, subjectId, testId } from './document-ids.ts';
import { duplicate, type FormPlan, planChange, planDocument, type Row } from './plan.ts';
import { loadPapers, planPaper } from './questions.ts';

/** Subjects, centers, tests and assignments: few rows, which the others refer to. */

function text(row: Row, field: string): string {
  return String(row.fields[field]);
}

export const subjects: FormPlan = {
  load: async () => {},
  plan(row, context) {
    const subjectCode = text(row, 'subjectCode');
    if (!context.seen.add('subject', subjectCode)) return duplicate('subject_code', 'subject code');
    const id = subjectId(subjectCode);
    const fields = { type: 'subject', ...row.fields };
    planDocument(context, { id, origin: row.origin, owned: fieldsOf('subjects'), fields });
    context.references.add(id);
    return [];
  },
};

export const centers: FormPlan = {
  load: async () => {},
  plan(row, context) {
    const center = text(row, 'centerId');
    if (!context.seen.add('center', center)) return duplicate('center_id', 'center id');
    const id = centerId(center);
    const fields = { type: 'center', ...row.fields };
    planDocument(context, { id, origin: row.origin, owned: fieldsOf('centers'), fields });
    context.references.add(id);
    return [];
  },
};

export const tests: FormPlan = {
  async load(rows, { references, registry }) {
    await references.load(rows.map((row) => subjectId(text(row, 'subjectCode'))));
    await loadPapers(
      registry,
      rows.map((row) => text(row, 'testId')),
    );
  },
  plan(row, context) {
    const test = text(row, 'testId');
    if (!context.references.has(subjectId(text(row, 'subjectCode')))) {
      return [{ field: 'subject_code', reason: 'unknown subject' }];
    }
    if (text(row, 'endsAt') <= text(row, 'startsAt')) {
      return [{ field: 'ends_at', reason: 'ends before it starts' }];
    }
    if (!context.seen.add('test', test)) return duplicate('test_id', 'test id');
    const id = testId(test);
    const fields = { type: 'test', ...row.fields };
    planDocument(context, { id, origin: row.origin, owned: fieldsOf('tests'), fields });
    context.references.add(id);
    planPaper(context, test, text(row, 'status'), row.origin);
    return [];
  },
};

/**
 * An assignment has no column but its key, so a row that was imported before says nothing new: a test that was
 * withdrawn since then stays withdrawn.
 */
export const testCenters: FormPlan = {
  async load(rows, { references }) {
    await references.load(
      rows.flatMap((row) => [testId(text(row, 'testId')), centerId(text(row, 'centerId'))]),
    );
  },
  plan(row, context) {
    const test = text(row, 'testId');
    const center = text(row, 'centerId');
    const faults: CellFault[] = [];
    if (!context.references.has(testId(test))) faults.push({ field: 'test_id', reason: 'unknown test' });
    if (!context.references.has(centerId(center))) {
      faults.push({ field: 'center_id', reason: 'unknown center' });
    }
    if (faults.length > 0) return faults;
    if (!context.seen.add('assignment', `${test}/${center}`)) return duplicate('center_id', 'assignment');
    const id = assignmentId(center, test);
    const doc = { _id: id, type: 'assignment', centerId: center, testId: test, status: 'assigned' };
    planChange(context, { id, origin: row.origin, target: (found) => found ?? doc });
    return [];
  },
};
