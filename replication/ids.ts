/** Document ids: `<partition>:<type>:<key>`, each part of `[A-Za-z0-9._-]+`, never a colon inside a part. */

const PART = /^[A-Za-z0-9._-]+$/;
const CENTER_PREFIX = 'center-';
const TEST_PREFIX = 'test-';

/** The partition every center receives. */
export const COMMON_PARTITION = 'common';

/** A document id taken apart. */
export interface DocumentId {
  readonly partition: string;
  readonly type: string;
  readonly key: string;
}

/** Whether `text` can be one part of a document id (a center id, a test id, a key). */
export function isIdPart(text: string): boolean {
  return PART.test(text);
}

/** Takes an id apart; `undefined` when it is not of the form `<partition>:<type>:<key>`. */
export function parseId(id: string): DocumentId | undefined {
  const parts = id.split(':');
  if (parts.length !== 3 || !parts.every(isIdPart)) return undefined;
  const [partition, type, key] = parts as [string, string, string];
  return { partition, type, key };
}

/** Puts an id together. @throws TypeError when a part holds a character that ids do not admit. */
export function formatId(partition: string, type: string, key: string): string {
  for (const part of [partition, type, key]) {
    if (!isIdPart(part)) throw new TypeError(`not a part of a document id: ${JSON.stringify(part)}`);
  }
  return `${partition}:${type}:${key}`;
}

/** The partition of an id without checking the rest of it: all before the first colon. */
export function partitionOf(id: string): string {
  const colon = id.indexOf(':');
  return colon < 0 ? '' : id.slice(0, colon);
}

export function centerPartition(centerId: string): string {
  return CENTER_PREFIX + centerId;
}

export function testPartition(testId: string): string {
  return TEST_PREFIX + testId;
}

/** The center that a partition belongs to, `undefined` when it is not a center's. */
export function centerOfPartition(partition: string): string | undefined {
  return partition.startsWith(CENTER_PREFIX) ? partition.slice(CENTER_PREFIX.length) : undefined;
}

/** The test that a partition belongs to, `undefined` when it is not a test's. */
export function testOfPartition(partition: string): string | undefined {
  return partition.startsWith(TEST_PREFIX) ? partition.slice(TEST_PREFIX.length) : undefined;
}
