import { COMMON_PARTITION, centerPartition, formatId, testPartition } from '../../replication/ids.ts';

/** The ids of the documents that an import writes. */

export function subjectId(subjectCode: string): string {
  return formatId(COMMON_PARTITION, 'subject', subjectCode);
}

export function centerId(center: string): string {
  return formatId(centerPartition(center), 'center', center);
}

export function testId(test: string): string {
  return formatId(testPartition(test), 'test', test);
}

export function assignmentId(center: string, test: string): string {
  return formatId(centerPartition(center), 'assignment', test);
}

/** A test's copy of a question. */
export function questionId(test: string, question: string): string {
  return formatId(testPartition(test), 'question', question);
}

/** A center's copy of a student. */
export function studentId(center: string, registrationNumber: string): string {
  return formatId(centerPartition(center), 'student', registrationNumber);
}

export function enrollmentId(center: string, enrollment: string): string {
  return formatId(centerPartition(center), 'enrollment', enrollment);
}
