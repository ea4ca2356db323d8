import type { StoredDocument } from '../../replication/documents.ts';
import { type CellFault, fieldsOf } from './csv/cells.ts';
import { centerId, enrollmentId as enrollmentDocumentId, studentId, testId } from './document-ids.ts';
import type { Origin } from './entries.ts';
import {
  duplicate,
  type FormPlan,
  merge,
  type Owned,
  type PlanContext,
  planChange,
  type Row,
} from './plan.ts';
import type { Placement, Registry } from './registry.ts';
import { planStudent } from './students.ts';

/** An enrollment as a row or a document gives it. */
export interface Enrollment extends Placement {
  enrollmentId: string;
  origin: Origin;
  /** Enrolled and paid: only these belong in the hub. */
  inHub: boolean;
  seat: number | 'none';
  fields: Record<string, unknown>;
  owned: Owned;
}

const ENROLLMENT_STATUSES = new Set(['enrolled', 'payment_pending', 'cancelled']);
const PAYMENT_STATUSES = new Set(['completed', 'pending', 'failed', 'refunded']);

/** What is wrong with the two statuses, by their field; `names` is how the source calls the fields. */
export function statusFaults(
  enrollmentStatus: unknown,
  paymentStatus: unknown,
  names: { enrollment: string; payment: string },
): CellFault[] {
  const faults: CellFault[] = [];
  if (!ENROLLMENT_STATUSES.has(String(enrollmentStatus))) {
    faults.push({ field: names.enrollment, reason: 'unknown status' });
  }
  if (!PAYMENT_STATUSES.has(String(paymentStatus))) {
    faults.push({ field: names.payment, reason: 'unknown payment status' });
  }
  return faults;
}

export function isInHub(fields: Readonly<Record<string, unknown>>): boolean {
  return fields.enrollmentStatus === 'enrolled' && fields.paymentStatus === 'completed';
}

/** Plans enrollment rows; `defer` takes those whose access code another enrollment still holds. */
export function enrollmentPlan(defer: (enrollment: Enrollment) => void): FormPlan {
  return {
    async load(rows, { registry, references }) {
      const enrollments = rows.map(enrollmentOf);
      await references.load(
        enrollments.flatMap((row) => [testId(String(row.fields.testId)), centerId(row.centerId)]),
      );
      await loadEnrollments(registry, enrollments);
    },
    plan(row, context) {
      const enrollment = enrollmentOf(row);
      const faults = referenceFaults(enrollment, context);
      if (faults.length > 0) return faults;
      if (context.seen.has('enrollment', enrollment.enrollmentId)) {
        return duplicate('enrollment_id', 'enrollment id');
      }
      if (!context.seen.add('code', enrollment.accessCode)) return duplicate('access_code', 'access code');
      context.seen.add('enrollment', enrollment.enrollmentId);
      if (isCodeTaken(context.registry, enrollment)) defer(enrollment);
      else planEnrollment(enrollment, context);
      return [];
    },
  };
}

function enrollmentOf({ fields, origin, sourceIds }: Row): Enrollment {
  return {
    enrollmentId: String(fields.enrollmentId),
    registrationNumber: String(fields.registrationNumber),
    centerId: String(fields.centerId),
    accessCode: String(fields.accessCode),
    seat: typeof fields.seat === 'number' ? fields.seat : 'none',
    inHub: isInHub(fields),
    fields: { type: 'enrollment', ...fields, ...(sourceIds ? { sourceIds } : {}) },
    owned: [...fieldsOf('enrollments'), ...(sourceIds ? ['sourceIds'] : [])],
    origin,
  };
}

function referenceFaults({ fields, ...enrollment }: Enrollment, context: PlanContext): CellFault[] {
  const faults = statusFaults(fields.enrollmentStatus, fields.paymentStatus, {
    enrollment: 'enrollment_status',
    payment: 'payment_status',
  });
  if (!context.registry.get('student', enrollment.registrationNumber)) {
    faults.push({ field: 'registration_number', reason: 'unknown student' });
  }
  if (!context.references.has(testId(String(fields.testId)))) {
    faults.push({ field: 'test_id', reason: 'unknown test' });
  }
  if (!context.references.has(centerId(enrollment.centerId))) {
    faults.push({ field: 'center_id', reason: 'unknown center' });
  }
  return faults;
}

/** Brings into memory what planning these enrollments needs. */
export async function loadEnrollments(registry: Registry, enrollments: readonly Enrollment[]): Promise<void> {
  await registry.load(
    enrollments.flatMap(({ enrollmentId, accessCode, registrationNumber }) => [
      `enrollment/${enrollmentId}` as const,
      `seat/${enrollmentId}` as const,
      `code/${accessCode}` as const,
      `student/${registrationNumber}` as const,
      `places/${registrationNumber}` as const,
    ]),
  );
  const previous = enrollments.flatMap(({ enrollmentId }) => registry.get('enrollment', enrollmentId) ?? []);
  await registry.load(
    previous.flatMap(({ registrationNumber, accessCode }) => [
      `places/${registrationNumber}` as const,
      `code/${accessCode}` as const,
    ]),
  );
}

/** Whether another enrollment in the hub holds this one's access code. */
export function isCodeTaken(registry: Registry, { inHub, accessCode, enrollmentId }: Enrollment): boolean {
  if (!inHub) return false;
  const holder = registry.get('code', accessCode);
  return holder !== undefined && holder !== enrollmentId;
}

/**
 * At a file's end: which of the deferred enrollments still cannot have their code. One whose holder has meanwhile got
 * another code, or is deferred too and gives it up, can: so two enrollments may exchange their codes.
 */
export function refusedCodes(registry: Registry, deferred: readonly Enrollment[]): Set<Enrollment> {
  const admitted = new Map(deferred.map((enrollment) => [enrollment.enrollmentId, enrollment]));
  const refused = new Set<Enrollment>();
  for (;;) {
    const next = [...admitted.values()].filter((enrollment) => {
      if (!isCodeTaken(registry, enrollment)) return false;
      return !admitted.has(registry.get('code', enrollment.accessCode) as string);
    });
    if (next.length === 0) return refused;
    for (const enrollment of next) {
      refused.add(enrollment);
      admitted.delete(enrollment.enrollmentId);
    }
  }
}

/** Plans what becomes of an enrollment: written, moved or taken out, and its student's copies with it. */
export function planEnrollment(enrollment: Enrollment, context: PlanContext): void {
  const { registry } = context;
  const { enrollmentId, inHub, registrationNumber, origin } = enrollment;
  const previous = registry.get('enrollment', enrollmentId);
  const stays =
    inHub && previous?.centerId === enrollment.centerId && previous.registrationNumber === registrationNumber;
  if (previous && !stays) takeOut(enrollmentId, previous, origin, context);
  if (!inHub) {
    if (!previous) planAbsent(context, enrollmentDocumentId(enrollment.centerId, enrollmentId), origin);
    return;
  }
  putIn(enrollment, previous, context);
}

/** Takes an enrollment out of the hub, and its student's copy where this was the student's last enrollment. */
export function takeOut(
  enrollmentId: string,
  { centerId: center, registrationNumber, accessCode }: Placement,
  origin: Origin,
  context: PlanContext,
): void {
  const { registry } = context;
  planAbsent(context, enrollmentDocumentId(center, enrollmentId), origin);
  const { [enrollmentId]: _, ...places } = registry.get('places', registrationNumber) ?? {};
  registry.put('places', registrationNumber, places);
  if (!Object.values(places).includes(center)) {
    planAbsent(context, studentId(center, registrationNumber), origin);
  }
  registry.delete('enrollment', enrollmentId);
  registry.delete('seat', enrollmentId);
  if (registry.get('code', accessCode) === enrollmentId) registry.delete('code', accessCode);
}

function putIn(enrollment: Enrollment, previous: Placement | undefined, context: PlanContext): void {
  const { registry } = context;
  const { enrollmentId, registrationNumber, centerId: center, accessCode, origin } = enrollment;
  const id = enrollmentDocumentId(center, enrollmentId);
  const lastSeat = registry.get('seat', enrollmentId);
  planChange(context, {
    id,
    origin,
    fresh: previous === undefined,
    target: (found) => enrollmentDocument(id, found, enrollment, lastSeat),
  });
  const places = registry.get('places', registrationNumber) ?? {};
  const student = registry.get('student', registrationNumber);
  // Where the student is enrolled already, the copy is there.
  if (student && !Object.values(places).includes(center)) {
    planStudent(context, center, student, { origin, fresh: true });
  }
  registry.put('places', registrationNumber, { ...places, [enrollmentId]: center });
  registry.put('seat', enrollmentId, enrollment.seat);
  if (previous && previous.accessCode !== accessCode) {
    if (registry.get('code', previous.accessCode) === enrollmentId)
      registry.delete('code', previous.accessCode);
  }
  registry.put('code', accessCode, enrollmentId);
  registry.put('enrollment', enrollmentId, { centerId: center, registrationNumber, accessCode });
}

/**
 * Seat and attendance are the center's once the enrollment is there. The seat the authority gives is the initial one:
 * it counts again only when it is another than last time.
 */
function enrollmentDocument(
  id: string,
  found: StoredDocument | undefined,
  { fields, owned, seat }: Enrollment,
  lastSeat: number | 'none' | undefined,
): StoredDocument {
  const doc = merge(id, found, owned, fields);
  if (!found) return doc;
  if (found.attendance !== undefined) doc.attendance = found.attendance;
  if (lastSeat !== undefined && lastSeat !== seat) return doc;
  if (found.seat === undefined) delete doc.seat;
  else doc.seat = found.seat;
  return doc;
}

export function planAbsent(context: PlanContext, id: string, origin: Origin): void {
  planChange(context, { id, origin, target: () => undefined });
}
