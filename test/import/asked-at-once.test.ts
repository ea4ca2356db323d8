import { expect, test } from 'vitest';
import { centerDocument, studentDocument } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';

const CENTERS = 20;

test('a center that has just been imported is there for whoever asks at once', async () => {
  await using server = await openServerHere();
  const counts: number[] = [];
  for (let n = 1; n <= CENTERS; n += 1) {
    const centerId = `LAG-${n}`;
    await server.importDocuments([centerDocument(centerId), studentDocument(centerId, n)]);
    const { doc_count } = await server.api.request<{ doc_count: number }>('GET', `/replicas/${centerId}`);
    counts.push(doc_count);
    await server.api.request('GET', `/sync/status/${centerId}`);
  }
  expect(counts).toEqual(Array(CENTERS).fill(2));
  await expect(server.api.request('GET', '/replicas/LAG-0')).rejects.toMatchObject({ code: 'not_found' });
});
