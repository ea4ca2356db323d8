import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { studentDocument } from '../harness/documents.ts';

const CENTERS = 60;
const TESTS = 12;

/** Writes an exam authority's exports, made up, as CSV: so many students, of whom each fifth takes two tests. */
export async function writeExports(folder: string, students: number): Promise<void> {
  const centers = Array.from({ length: CENTERS }, (_, index) => `CEN-${String(index + 1).padStart(3, '0')}`);
  const tests = Array.from({ length: TESTS }, (_, index) => `SCI-P${index + 1}`);
  const times = '2026-12-07T08:00:00Z,2026-12-07T11:00:00Z';
  const files: Record<string, string[]> = {
    subjects: ['subject_code,name', 'SCI,Science and Technology'],
    tests: [
      'test_id,title,subject_code,duration_minutes,question_count,passing_score_percent,starts_at,ends_at,status',
      ...tests.map((test, index) => `${test},"Science, Paper ${index + 1}",SCI,60,0,50,${times},published`),
    ],
    centers: [
      'center_id,name,town,state,seats,timezone',
      ...centers.map((center) => `${center},Center ${center},Ikeja,Lagos,250,Africa/Lagos`),
    ],
    'test-centers': [
      'test_id,center_id',
      ...centers.flatMap((center) => tests.map((test) => `${test},${center}`)),
    ],
    students: ['registration_number,first_name,middle_name,last_name,email,phone,date_of_birth,sex'],
    enrollments: [
      'enrollment_id,registration_number,test_id,center_id,access_code,enrollment_status,payment_status,scheduled_at,seat',
    ],
  };
  let enrollment = 0;
  for (let n = 1; n <= students; n += 1) {
    const student = studentDocument(centers[n % CENTERS] as string, n);
    const names = [student.firstName, student.middleName, student.lastName];
    files.students?.push(
      [
        student.registrationNumber,
        ...names,
        student.email,
        student.phone,
        student.dateOfBirth,
        student.sex,
      ].join(','),
    );
    for (let taken = 0; taken < (n % 5 === 0 ? 2 : 1); taken += 1) {
      enrollment += 1;
      const number = String(enrollment).padStart(6, '0');
      const place = `${tests[(n + taken) % TESTS]},${centers[n % CENTERS]}`;
      files.enrollments?.push(
        `E${number},${student.registrationNumber},${place},AC${number},enrolled,completed,2026-12-07T08:00:00Z,${(n % 250) + 1}`,
      );
    }
  }
  for (const [name, lines] of Object.entries(files)) {
    await writeFile(join(folder, `${name}.csv`), `${lines.join('\n')}\n`);
  }
}
