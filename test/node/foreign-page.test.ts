import { expect, test } from 'vitest';
import { statusOf } from '../harness/raw-request.ts';
import { CENTER, openCenter, startCenter } from './center.ts';
import { answers } from './documents.ts';

test('a page of another site in the operator’s browser can change nothing and read nothing', async () => {
  await using center = await openCenter();
  const { url } = center.node;
  const { host, port } = new URL(url);
  const refused: [string, string, Record<string, string>][] = [
    ['POST', '/api/replicate', { origin: 'https://evil.example' }],
    ['POST', '/api/replicate', { origin: 'null' }],
    ['POST', '/api/repair', { 'sec-fetch-site': 'cross-site' }],
    ['PUT', '/api/mode', { origin: `http://127.0.0.1:${Number(port) + 1}` }],
    ['POST', '/couch/replica', { origin: 'https://evil.example' }],
    // A name of the attacker's that leads to this machine.
    ['GET', '/api/status', { host: `evil.example:${port}` }],
    ['GET', '/couch/replica/_all_docs', { host: 'evil.example' }],
    ['POST', '/api/replicate', { host: `evil.example:${port}`, origin: `http://evil.example:${port}` }],
  ];
  for (const [method, path, headers] of refused) {
    expect({ path, headers, status: await statusOf(url + path, method, headers) }).toMatchObject({
      status: 403,
    });
  }
  expect(
    await statusOf(`${url}/api/replicate`, 'POST', {
      origin: `http://${host}`,
      'sec-fetch-site': 'same-origin',
    }),
  ).toBe(202);
  expect(await statusOf(`${url}/api/status`, 'GET', { host: `localhost:${port}` })).toBe(200);
});

test('what a node offers beside its API', async () => {
  await using center = await openCenter();
  await center.write(answers(CENTER, 'E1'));
  const get = async (path: string) => {
    const response = await fetch(center.node.url + path);
    return { status: response.status, text: await response.text() };
  };
  expect(await get('/health/live')).toEqual({ status: 200, text: '{"status":"live"}' });
  expect((await get('/health/ready')).status).toBe(200);
  expect((await get('/metrics')).text).toMatch(/\ncbt_node_pending_push 1\n/);
  expect((await get('/')).text).toContain('/pages/operator/main.ts');
  const { paths } = JSON.parse((await get('/docs/json')).text) as { paths: object };
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      '/api/mode',
      '/api/quarantine',
      '/api/repair',
      '/api/replicate',
      '/api/sessions/{id}/answers/{questionId}',
      '/api/status',
      '/api/verify',
    ]),
  );
  expect(await get('/api/nothing')).toMatchObject({
    status: 404,
    text: expect.stringContaining('not_found'),
  });
});

test('events tell of the state, of progress and of the last error', async () => {
  await using center = await startCenter();
  await center.replicate();
  await center.line.down();
  const response = await center.node.api.open('/api/events');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const read = async () => Buffer.from((await reader.read()).value ?? []).toString();
  let text = await read();
  expect(text).toMatch(/^event: status\ndata: \{"centerId":"LAG-1",.*"line":"up"/);
  await expect(center.replicate()).rejects.toMatchObject({ code: 'unreachable' });
  while (!text.includes('"line":"down"')) text += await read();
  expect(text).toContain('ECONNREFUSED');
  const stopped = await center.node.stop();
  expect(stopped).toMatchObject({ code: 0, signal: null });
  expect((await reader.read()).done).toBe(true);
});
