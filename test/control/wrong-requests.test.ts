import { test as base, describe, expect } from 'vitest';
import { centerDocument, wholeTest } from '../harness/documents.ts';
import { openServerHere, type RunningServer } from '../harness/server.ts';

const test = base.extend<{ server: RunningServer }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from its first argument
  server: async ({}, use) => {
    await using server = await openServerHere();
    await use(server);
  },
});

/** A request to the API whose answer may be an error. */
async function ask({ url, adminToken }: RunningServer, path: string, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${adminToken}`, ...init.headers };
  const answer = await fetch(url + path, { ...init, headers });
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.json() };
}

const post = (body: string, type = 'application/json'): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': type },
  body,
});

describe('errors', () => {
  test('have one form, whatever is wrong', async ({ server }) => {
    const wrong: [number, string, RequestInit?][] = [
      [400, '/api/centers', post('{"centerId":')],
      [400, '/api/centers', post('[]')],
      [400, '/api/centers', post('null')],
      [400, '/api/centers', post('{}')],
      [400, '/api/centers', post('{"centerId":"LAG:1","name":"x"}')],
      [400, '/api/centers', post('{"centerId":"LAG-1","name":""}')],
      [400, '/api/centers', post('{"centerId":"LAG-1"}')],
      [400, '/api/centers', post('{"centerId":"LAG-1","name":"x","_rev":"1-a"}')],
      [400, '/api/centers', post('{"centerId":"LAG-1","name":"x","seats":-1}')],
      [415, '/api/centers', post('centerId: LAG-1', 'text/yaml')],
      [413, '/api/centers', post(' '.repeat(65 * 1024 * 1024))],
      [404, '/api/nothing'],
      [404, '/api/centers/LAG-1'],
      [400, '/api/centers/LAG%201'],
      [404, '/api/centers/LAG-1/secret', { method: 'POST' }],
      [404, '/api/centers', { method: 'PATCH' }],
      [404, '/api/tests/T1/centers/LAG-1', { method: 'PUT' }],
      [404, '/api/tests/T1/centers/LAG-1', { method: 'DELETE' }],
      [400, '/api/readiness?test=a:b'],
      [404, '/api/readiness?test=T1'],
      [400, '/api/quarantine?limit=many'],
      [400, '/api/conflicts?limit=0'],
      [404, '/api/conflicts/LAG-1'],
      [400, '/api/conflicts/LAG-1', post('{}')],
      [404, '/api/conflicts/undo/999', { method: 'POST' }],
      [404, '/sync/resolve-conflicts/LAG-1', post('{"id":"common:subject:1","choose":"1-a"}')],
      [400, '/api/results?limit=0'],
      [404, '/api/results/LAG-1/E1'],
      [404, '/api/centers/LAG-1/nodes'],
      [404, '/api/centers/LAG-1/log'],
      [404, '/api/centers/LAG-1/nodes/N1/replace', { method: 'POST' }],
      [404, '/api/centers/LAG-1/nodes/N1/replace', { method: 'DELETE' }],
      [400, '/api/quarantine/decide', post('{"key":"a","decision":"drop"}')],
      [404, '/api/quarantine/decide', post('{"key":"a","decision":"accept"}')],
      [400, '/%E0%A4%A'],
      [401, '/api/centers', { headers: { authorization: '' } }],
      [404, '/nothing'],
    ];
    for (const [status, path, init] of wrong) {
      const answer = await ask(server, path, init);
      const what = `${init?.method ?? 'GET'} ${path}`;
      expect(answer.status, what).toBe(status);
      expect(answer.body, what).toEqual({ error: expect.any(String), reason: expect.any(String) });
      expect(answer.type, what).toContain('application/json');
    }
    expect((await ask(server, '/api/centers')).body).toEqual({ centers: [] });
  });
});

describe('centers', () => {
  test('a center that was imported gets its secret once; its document is left as it is', async ({
    server,
  }) => {
    await server.importDocuments([centerDocument('LAG-1'), centerDocument('LAG-10')]);
    expect((await ask(server, '/api/centers')).body.centers).toMatchObject([
      { centerId: 'LAG-1', name: 'Center LAG-1', town: 'Ikeja', hasSecret: false, assigned: [] },
      { centerId: 'LAG-10', hasSecret: false },
    ]);
    const noSecret = await ask(server, '/api/centers/LAG-1/secret', { method: 'POST' });
    expect(noSecret).toMatchObject({
      status: 404,
      body: { reason: expect.stringContaining('no secret yet; "cbt-server center add LAG-1"') },
    });

    const added = await ask(server, '/api/centers', post('{"centerId":"LAG-1"}'));
    expect(added).toMatchObject({ status: 201, body: { centerId: 'LAG-1', secret: expect.any(String) } });
    expect((await ask(server, '/api/centers', post('{"centerId":"LAG-1"}'))).status).toBe(409);
    const { body: doc } = await ask(server, '/couch/cbt/center-LAG-1:center:LAG-1');
    expect(doc).toMatchObject({ ...centerDocument('LAG-1'), _rev: expect.stringMatching(/^1-/) });
    expect((await ask(server, '/api/centers/LAG-1')).body).toMatchObject({ town: 'Ikeja', hasSecret: true });
  });
});

describe('assignments', () => {
  test('are idempotent, and in the feed when the answer comes', async ({ server }) => {
    await server.importDocuments([...wholeTest('T1', 2), ...wholeTest('T10', 2)]);
    await server.addCenter('LAG-1');
    const path = '/api/tests/T1/centers/LAG-1';
    const put = (): ReturnType<typeof ask> =>
      ask(server, path, { method: 'PUT', headers: { 'content-type': 'application/json' } });
    const remove = (): ReturnType<typeof ask> => ask(server, path, { method: 'DELETE' });
    const documents = async () => (await ask(server, '/api/status')).body.centers[0].documents;

    expect((await remove()).body).toMatchObject({ status: 'withdrawn', changed: false });
    expect(await documents()).toBe(1);
    expect((await put()).body).toMatchObject({ testId: 'T1', status: 'assigned', changed: true });
    expect(await documents()).toBe(5);
    expect((await put()).body).toMatchObject({ status: 'assigned', changed: false });
    expect((await ask(server, '/api/centers/LAG-1')).body.assigned).toEqual(['T1']);
    expect((await remove()).body).toMatchObject({ status: 'withdrawn', changed: true });
    expect(await documents()).toBe(2);
    expect((await remove()).body).toMatchObject({ changed: false });
    expect((await put()).body).toMatchObject({ changed: true });
    const { body: doc } = await ask(server, '/couch/cbt/center-LAG-1:assignment:T1');
    expect(doc).toMatchObject({
      status: 'assigned',
      assignedAt: expect.any(String),
      withdrawnAt: expect.any(String),
    });
    expect(doc._rev).toMatch(/^3-/);
  });

  test('of a test or center that is not there say which', async ({ server }) => {
    await server.importDocuments(wholeTest('T1', 1));
    await server.addCenter('LAG-1');
    const reasonOf = async (path: string, method: string) =>
      (await ask(server, path, { method })).body.reason;
    for (const method of ['PUT', 'DELETE']) {
      expect(await reasonOf('/api/tests/T10/centers/LAG-1', method)).toBe('there is no test T10');
      expect(await reasonOf('/api/tests/T1/centers/LAG-10', method)).toBe('there is no center LAG-10');
    }
  });

  test('made by many at once are all there', async ({ server }) => {
    const tests = Array.from({ length: 12 }, (_, index) => `T${index}`);
    await server.importDocuments(tests.flatMap((testId) => wholeTest(testId, 1)));
    await server.addCenter('LAG-1');
    await Promise.all([...tests, ...tests].map((testId) => server.assign(testId, 'LAG-1')));
    expect((await ask(server, '/api/centers/LAG-1')).body.assigned).toEqual([...tests].sort());
  });
});

describe('what is open', () => {
  test('health, metrics and the page of the API, with nothing from elsewhere', async ({ server }) => {
    expect(await (await fetch(`${server.url}/health/live`)).json()).toEqual({ status: 'live' });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^cbt_centers 0$/m);
    expect(metrics).toMatch(/^process_cpu_seconds_total /m);

    const page = await (await fetch(`${server.url}/docs`)).text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      expect(link).not.toMatch(/^(https?:)?\/\//);
      expect((await fetch(new URL(link, `${server.url}/docs/`))).status, link).toBe(200);
    }
    const description = (await (await fetch(`${server.url}/docs/json`)).json()) as { paths: object };
    const routes = ['/api/centers', '/api/centers/{id}', '/api/centers/{id}/secret', '/api/status'];
    const more = [
      '/api/tests/{testId}/centers/{centerId}',
      '/api/readiness',
      '/api/quarantine',
      '/api/import',
      '/api/conflicts',
      '/api/conflicts/{id}',
      '/api/conflicts/undo/{entry}',
      '/sync/resolve-conflicts/{centerId}',
      '/api/quarantine/decide',
      '/api/results',
      '/api/results/{centerId}/{enrollmentId}',
      '/api/centers/{id}/nodes',
      '/api/centers/{id}/nodes/{instanceId}/replace',
      '/api/centers/{id}/log',
    ];
    expect(Object.keys(description.paths)).toEqual(expect.arrayContaining([...routes, ...more]));
  });

  test('the root says what CouchDB’s says', async ({ server }) => {
    const welcome = await (await fetch(server.url)).json();
    expect(welcome).toMatchObject({ couchdb: 'Welcome', uuid: expect.stringMatching(/^[0-9a-f]{32}$/) });
    await server.stop();
    await server.start();
    expect(await (await fetch(server.url)).json()).toEqual(welcome);
  });
});
