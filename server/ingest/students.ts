import { type Fields, fieldsOf } from './csv/cells.ts';
import { studentId } from './document-ids.ts';
import type { Origin } from './entries.ts';
import { duplicate, type FormPlan, type PlanContext, planDocument } from './plan.ts';

/**
 * A student has no place of its own in the hub: a copy of the student's document lies in the partition of each center
 * where the student is enrolled, and nowhere else. The registry keeps the students whom no center needs yet.
 */
export const students: FormPlan = {
  async load(rows, { registry }) {
    const numbers = rows.map((row) => String(row.fields.registrationNumber));
    await registry.load(numbers.flatMap((number) => [`student/${number}`, `places/${number}`] as const));
  },
  plan(row, context) {
    const number = String(row.fields.registrationNumber);
    if (!context.seen.add('student', number)) return duplicate('registration_number', 'registration number');
    context.registry.put('student', number, row.fields);
    const places = context.registry.get('places', number) ?? {};
    for (const center of new Set(Object.values(places))) {
      planStudent(context, center, row.fields, { origin: row.origin, fresh: false });
    }
    return [];
  },
};

/** Writes a center's copy of a student. */
export function planStudent(
  context: PlanContext,
  center: string,
  student: Fields,
  { origin, fresh }: { origin: Origin; fresh: boolean },
): void {
  planDocument(context, {
    id: studentId(center, String(student.registrationNumber)),
    origin,
    owned: fieldsOf('students'),
    fields: { type: 'student', ...student },
    fresh,
  });
}
