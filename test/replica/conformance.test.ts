import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answersDocument, centerShare } from '../harness/documents.ts';
import { openServerHere, type RunningServer } from '../harness/server.ts';
import { describeConformance } from './conformance.ts';
import { ask, type Json } from './request.ts';

let server: RunningServer;
let databases = 0;

beforeAll(async () => {
  // Conflicts must stay as they were written, to be looked at.
  server = await openServerHere({ resolveConflicts: false });
});

afterAll(() => server[Symbol.asyncDispose]());

describe('a center feed', () => {
  describeConformance(async () => {
    databases += 1;
    const center = await server.addCenter(`L-${databases}`);
    await server.importDocuments(centerShare(center.centerId, 'T', 2, 1000 * databases));
    return center;
  });

  test('_bulk_get answers for a winner beside a revision of the same document', async () => {
    const center = await server.addCenter('L-mixed');
    const made = (await ask(center, '', { body: answersDocument('L-mixed', 'T', 1) })).json;
    const docs = [
      { id: made.id, rev: `1-${'f'.repeat(32)}` },
      { id: made.id },
      { id: made.id, rev: made.rev },
    ];
    const { results } = (await ask(center, '/_bulk_get', { body: { docs } })).json;
    expect(results.map((result: Json) => result.docs[0].ok?._rev)).toEqual([undefined, made.rev, made.rev]);
  });
});

describe('the hub through express-pouchdb', () => {
  describeConformance(async () => {
    databases += 1;
    await server.api.request('PUT', `/couch/conformance-${databases}`);
    return {
      centerId: `L-${databases}`,
      secret: server.adminToken,
      replicaUrl: `${server.url}/couch/conformance-${databases}`,
      authorization: `Bearer ${server.adminToken}`,
    };
  });
});
