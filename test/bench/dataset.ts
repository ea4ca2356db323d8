import type { StoredDocument } from '../../replication/documents.ts';
import { assignmentDocument, centerShare, subjectDocument, wholeTest } from '../harness/documents.ts';

/** What a hub holds; every center is assigned the one shared test. */
export interface HubShape {
  centers: number;
  /** Documents of each center's own partition: the center, its assignment, students and enrollments. */
  ownDocuments: number;
  /** Documents of the shared test, the test itself among them. */
  testDocuments: number;
  /** One more center, `BIG-001`, with so many documents of its own. */
  bigCenterDocuments?: number;
  /** Filled up to so many documents with a test that no center has. */
  total?: number;
}

export const SHARED_TEST = 'SCI-P1';
export const BIG_CENTER = 'BIG-001';

export function centerIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `C-${String(index + 1).padStart(4, '0')}`);
}

/** The documents of a hub, in the order in which an import would bring them. */
export function* hubDocuments(shape: HubShape): Generator<StoredDocument> {
  let count = 0;
  const shares = centerIds(shape.centers).map((centerId) => ({ centerId, documents: shape.ownDocuments }));
  if (shape.bigCenterDocuments) shares.push({ centerId: BIG_CENTER, documents: shape.bigCenterDocuments });
  const tests = shape.testDocuments > 0 ? wholeTest(SHARED_TEST, shape.testDocuments - 1) : [];
  for (const doc of [subjectDocument('SCI'), ...tests]) {
    count += 1;
    yield doc;
  }
  for (const [index, { centerId, documents }] of shares.entries()) {
    for (const doc of ownDocuments(centerId, documents, index * 10_000)) {
      count += 1;
      yield doc;
    }
  }
  if (shape.total && shape.total > count) yield* wholeTest('UNASSIGNED', shape.total - count - 1);
}

function ownDocuments(centerId: string, documents: number, from: number): StoredDocument[] {
  const candidates = Math.ceil((documents - 2) / 2);
  const [center, ...people] = centerShare(centerId, SHARED_TEST, candidates, from + 1);
  return [center as StoredDocument, assignmentDocument(SHARED_TEST, centerId), ...people].slice(0, documents);
}

/** The documents that a center of the shape must hold. */
export function scopeSize(shape: HubShape, ownDocuments: number): number {
  return 1 + shape.testDocuments + ownDocuments;
}

/** A hub that holds one center's share and no more. @returns its shape, and of how many documents the share is. */
export function oneShare(documents: number): { shape: HubShape; expected: number } {
  const own = Math.round(documents * 0.9);
  const shape: HubShape = {
    centers: 0,
    ownDocuments: 0,
    testDocuments: documents - own - 1,
    bigCenterDocuments: own,
  };
  return { shape, expected: scopeSize(shape, own) };
}
