import type { StoredDocument } from '../../replication/documents.ts';

/** Documents for the tests of the node: as small as the schemas admit. */

export function student(centerId: string, number: number | string): StoredDocument {
  const registrationNumber = `S${number}`;
  return {
    _id: `center-${centerId}:student:${registrationNumber}`,
    type: 'student',
    registrationNumber,
    firstName: `Ada ${number}`,
    lastName: 'Obi',
  };
}

export function students(centerId: string, count: number): StoredDocument[] {
  return Array.from({ length: count }, (_, number) => student(centerId, number));
}

export function subject(code: string): StoredDocument {
  return { _id: `common:subject:${code}`, type: 'subject', subjectCode: code, name: `Subject ${code}` };
}

export function answers(centerId: string, key: string, choice = 'A'): StoredDocument {
  return { _id: `center-${centerId}:answers:${key}`, type: 'answers', answers: { Q1: { choice } } };
}

export function result(centerId: string, key: string, score = 50): StoredDocument {
  return { _id: `center-${centerId}:result:${key}`, type: 'result', score };
}
