import { expect, test } from 'vitest';
import { centerShare } from '../harness/documents.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { readLeaves } from '../harness/leaves.ts';
import { startNode } from '../harness/node.ts';
import { openServerHere } from '../harness/server.ts';
import { expectEqual } from './world.ts';

/** More than three batches of the node's replicator. */
const CANDIDATES = 1600;

/**
 * PouchDB's replicator reads changes ahead. When that fails while a batch is being written, it drops what it has read,
 * reports the failure, and goes on all the same behind what it dropped.
 */
test('changes that break off while a batch is written lose none of what was read ahead', async () => {
  await using server = await openServerHere();
  await using line = await openFaultProxy(server.url);
  await server.importDocuments(centerShare('L-1', 'T', CANDIDATES));
  const center = await server.addCenter('L-1');
  await using whole = await startNode({ server: line.url, center });
  // A server that makes no packages: all comes over the line.
  line.answerNext(1, 404, /sync\/download/);
  await whole.replicate();
  const bytes = line.bytes.down;

  for (const part of [0.5, 0.9]) {
    await using node = await startNode({ server: line.url, center });
    line.answerNext(1, 404, /sync\/download/);
    line.truncateNext(Math.round(bytes * part), /_changes/);
    // The node asks for the rest once more by itself.
    line.answerNext(1, 503, /_changes/);
    await expect(node.replicate()).rejects.toThrow();
    await node.replicate();
    await expectEqual(server, 'L-1', [], await readLeaves(node.api, '/couch/replica'));
  }
}, 90_000);
