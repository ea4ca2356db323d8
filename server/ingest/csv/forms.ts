/**
 * The forms an authority's exports come in: a form is the set of its columns. A file's form is told by its header,
 * never by its name. Listed in dependency order: what a form refers to stands in a form above it.
 */

/** What a cell holds; `cells.ts` checks it. */
export type CellKind = 'id' | 'text' | 'count' | 'number' | 'percent' | 'date' | 'timestamp';

export interface Column {
  kind: CellKind;
  optional?: true;
}

export type FormName =
  | 'subjects'
  | 'centers'
  | 'tests'
  | 'questions'
  | 'test-questions'
  | 'test-centers'
  | 'students'
  | 'enrollments';

const id: Column = { kind: 'id' };
const text: Column = { kind: 'text' };
const optionalText: Column = { kind: 'text', optional: true };
const timestamp: Column = { kind: 'timestamp' };

/** Column name to what its cells hold, by form. */
export const FORMS: Record<FormName, Record<string, Column>> = {
  subjects: { subject_code: id, name: text },
  centers: {
    center_id: id,
    name: text,
    town: optionalText,
    state: optionalText,
    seats: { kind: 'count', optional: true },
    timezone: optionalText,
  },
  tests: {
    test_id: id,
    title: text,
    subject_code: id,
    duration_minutes: { kind: 'number' },
    question_count: { kind: 'count' },
    passing_score_percent: { kind: 'percent' },
    starts_at: timestamp,
    ends_at: timestamp,
    status: text,
  },
  questions: {
    question_id: id,
    subject_code: id,
    text,
    option_a: text,
    option_b: text,
    option_c: optionalText,
    option_d: optionalText,
    option_e: optionalText,
    correct_option: text,
    difficulty: optionalText,
    points: { kind: 'number' },
  },
  'test-questions': { test_id: id, question_id: id, position: { kind: 'count' } },
  'test-centers': { test_id: id, center_id: id },
  students: {
    registration_number: id,
    first_name: text,
    middle_name: optionalText,
    last_name: text,
    email: optionalText,
    phone: optionalText,
    date_of_birth: { kind: 'date', optional: true },
    sex: optionalText,
  },
  enrollments: {
    enrollment_id: id,
    registration_number: id,
    test_id: id,
    center_id: id,
    access_code: text,
    enrollment_status: text,
    payment_status: text,
    scheduled_at: timestamp,
    seat: { kind: 'count', optional: true },
  },
};

export const FORM_ORDER = Object.keys(FORMS) as FormName[];

/** A header matched to a form, or what is wrong with it. */
export type Header = { form: FormName; unknown: string[] } | { reason: string };

/**
 * Finds the form that shares most columns with a header (of equals, the one that lacks fewest). Columns may stand in
 * any order; a column that the form does not know is named in `unknown`; a missing or repeated one is an error.
 */
export function matchHeader(columns: readonly string[]): Header {
  const repeated = columns.find((column, index) => columns.indexOf(column) !== index);
  if (repeated !== undefined)
    return { reason: `column ${repeated || '(without a name)'} stands there twice` };
  const present = new Set(columns);
  let best: { form: FormName; missing: string[]; shared: number } | undefined;
  for (const form of FORM_ORDER) {
    const names = Object.keys(FORMS[form]);
    const missing = names.filter((name) => !present.has(name));
    const shared = names.length - missing.length;
    if (shared === 0) continue;
    if (!best || shared > best.shared || (shared === best.shared && missing.length < best.missing.length)) {
      best = { form, missing, shared };
    }
  }
  if (columns.length === 1 && /[;\t]/.test(columns[0] as string)) {
    return { reason: `its columns are not divided by commas: ${columns[0]}` };
  }
  if (!best || best.missing.length >= best.shared) {
    return { reason: `not a form of the authority: its columns are ${columns.join(', ')}` };
  }
  if (best.missing.length > 0) {
    const noun = best.missing.length === 1 ? 'column' : 'columns';
    return { reason: `missing ${noun} ${best.missing.join(', ')} of the form ${best.form}` };
  }
  const known = FORMS[best.form];
  return { form: best.form, unknown: columns.filter((column) => !(column in known)) };
}
