import { expect, test } from 'vitest';
import { z } from 'zod';
import { answersDocument, centerShare } from '../harness/documents.ts';
import { CENTER, openCenter } from '../node/center.ts';

interface Operation {
  summary?: string;
  parameters?: { in: string; name: string }[];
  requestBody?: object;
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: z.core.JSONSchema.JSONSchema }> }
  >;
}

interface Request {
  /** What stands for each part of the path that varies. */
  part?: string;
  query?: string;
  body?: string;
  type?: string;
  headers?: Record<string, string>;
}

/** What is asked of every route, whatever it is for. */
const REQUESTS: Request[] = [
  {},
  { part: CENTER },
  { part: '%3A' },
  { part: '%E0%A4%A' },
  { query: '?limit=many&since=never&test=a:b&strict=x&wait=x&flagged=x&after=x' },
  { body: '[1]' },
  { body: '{"' },
  { body: '<all/>', type: 'application/xml' },
  { headers: { authorization: 'Bearer nonsense' } },
  { headers: { origin: 'https://evil.example' } },
];

async function operationsOf(url: string): Promise<[method: string, path: string, Operation][]> {
  const { paths } = (await (await fetch(`${url}/docs/json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [method.toUpperCase(), path, operation] as [string, string, Operation],
      ),
    );
}

/** Asks, and holds the answer against what is said of it. */
async function check(
  url: string,
  [method, path, { responses }]: [string, string, Operation],
  { part = 'nothing', query = '', body, type = 'application/json', headers }: Request,
): Promise<void> {
  const answer = await fetch(url + path.replaceAll(/\{\w+\}/g, part) + query, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
    ...(body === undefined || method === 'GET' ? {} : { body }),
  });
  const what = `${method} ${path} with ${JSON.stringify({ part, query, body, headers })}: ${answer.status}`;
  const [mediaType = ''] = (answer.headers.get('content-type') ?? '').split(';');
  if (mediaType !== 'application/json') await answer.body?.cancel();
  const json: unknown = mediaType === 'application/json' ? await answer.json() : undefined;
  const content = responses[answer.status]?.content ?? {};
  expect.soft(Object.keys(content), what).toContain(mediaType);
  if (json === undefined || content[mediaType] === undefined) return;
  const schema = z.fromJSONSchema(content[mediaType].schema, { defaultTarget: 'openapi-3.0' });
  expect.soft(schema.safeParse(json).error, what).toBeUndefined();
}

async function checkAll(url: string, authorization?: string): Promise<void> {
  const operations = await operationsOf(url);
  expect(operations.length).toBeGreaterThan(15);
  const own = authorization === undefined ? {} : { authorization };
  for (const operation of operations) {
    const [method, path, { summary, responses }] = operation;
    expect.soft(summary, `${method} ${path}`).toBeTruthy();
    for (const [status, { description, content }] of Object.entries(responses)) {
      expect.soft(description, `${method} ${path} ${status}`).not.toBe('Default Response');
      expect.soft(Object.keys(content ?? {}), `${method} ${path} ${status}`).not.toEqual([]);
    }
    for (const request of REQUESTS) {
      if (request.body !== undefined && !operation[2].requestBody) continue;
      await check(url, operation, { ...request, headers: { ...own, ...request.headers } });
    }
  }
}

test('OpenAPI tells of every answer that a route of the server or the node gives, in its form', async () => {
  await using center = await openCenter(centerShare(CENTER, 'T', 2));
  await center.write(answersDocument(CENTER, 'T', 1));
  await center.replicate();
  await checkAll(center.server.url, `Bearer ${center.server.adminToken}`);
  await checkAll(center.node.url);
});
