import { expect } from 'vitest';
import { z } from 'zod';
import { PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';
import type { CenterAccess, RunningServer } from '../harness/server.ts';
import { CENTER, test } from '../package/world.ts';

interface Operation {
  summary?: string;
  security?: Record<string, string[]>[];
  requestBody?: { content: Record<string, object> };
  responses: Record<
    string,
    { description: string; content: Record<string, { schema: z.core.JSONSchema.JSONSchema }> }
  >;
}

const POSTS = ['/auth/token', '/sync/download/{centerId}', '/sync/incremental/{centerId}'];
const SHARED = '/sync/upload/{centerId}';
const DECIDING = '/sync/resolve-conflicts/{centerId}';
const GETS = ['/sync/events/{centerId}', '/sync/operations/{centerId}', '/sync/status/{centerId}'];
const FOR_CENTERS = [...POSTS.slice(1), SHARED, ...GETS];
const MORE_THAN_A_BODY = new Uint8Array((64 << 20) + 1);
const OTHER_CENTER = 'LAG-0010';
const STRANGE = { type: 'application/xml', body: '<all/>' };

interface Asked {
  centerId?: string;
  query?: string;
  body?: string | Uint8Array<ArrayBuffer>;
  type?: string;
  accept?: string;
  authorization?: string | undefined;
}

/** Asks, and holds each answer against what is said of it. Notes which answers were given. */
function createAsker({ url }: RunningServer, paths: Record<string, Record<string, Operation>>) {
  const given = new Set<string>();
  return {
    given,
    async ask(path: string, status: number, asked: Asked = {}): Promise<unknown> {
      const { centerId = CENTER, query = '', body, type = 'application/json', accept } = asked;
      const method = GETS.includes(path) ? 'GET' : 'POST';
      const answer = await fetch(url + path.replace('{centerId}', centerId) + query, {
        method,
        headers: {
          ...(asked.authorization === undefined ? {} : { authorization: asked.authorization }),
          ...(method === 'POST' ? { 'content-type': type } : {}),
          ...(accept === undefined ? {} : { accept }),
        },
        ...(method === 'POST' ? { body: body ?? '' } : {}),
      });
      const what = `${method} ${path} answers ${answer.status}`;
      expect(answer.status, what).toBe(status);
      const { content } = paths[path]?.[method.toLowerCase()]?.responses[answer.status] ?? {};
      const [mediaType = ''] = (answer.headers.get('content-type') ?? '').split(';');
      expect(Object.keys(content ?? {}), what).toContain(mediaType);
      given.add(`${path} ${status}`);
      if (mediaType === 'text/event-stream') return answer.body?.cancel();
      if (mediaType !== 'application/json') return new Uint8Array(await answer.arrayBuffer());
      const json: unknown = await answer.json();
      const schema = z.fromJSONSchema(content?.[mediaType]?.schema ?? {}, { defaultTarget: 'openapi-3.0' });
      expect(schema.safeParse(json).error, what).toBeUndefined();
      return json;
    },
  };
}

async function read({ url }: RunningServer): Promise<Record<string, Record<string, Operation>>> {
  const description = (await (await fetch(`${url}/docs/json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const ours = Object.entries(description.paths).filter(([path]) => /^\/(sync|auth)\//.test(path));
  return Object.fromEntries(ours);
}

type Asker = ReturnType<typeof createAsker>['ask'];

/** A result as a record; another score for the same one is a conflict. */
const upload = (score: number) => {
  const result = { enrollmentId: 'E000001', testId: 'SCI-P1', score };
  return JSON.stringify({ results: [result] });
};

async function askRightly(ask: Asker, { centerId, secret, ...center }: CenterAccess): Promise<void> {
  const basic = center.authorization;
  await ask('/auth/token', 200, { body: JSON.stringify({ centerId, secret }) });
  const { token } = (await ask('/auth/token', 200, { authorization: basic })) as { token: string };
  const authorization = `Bearer ${token}`;
  for (const path of ['/sync/download/{centerId}', '/sync/incremental/{centerId}', ...GETS]) {
    await ask(path, 200, { authorization });
  }
  await ask(SHARED, 200, { authorization, body: upload(1) });
}

async function askWrongly(ask: Asker, server: RunningServer, center: CenterAccess): Promise<void> {
  const { authorization } = center;
  const admin = `Bearer ${server.adminToken}`;
  for (const path of [...POSTS, SHARED, DECIDING]) {
    const whose = { authorization: path === DECIDING ? admin : authorization };
    await ask(path, 400, { ...whose, body: '[1]' });
    await ask(path, 413, { ...whose, body: MORE_THAN_A_BODY });
    await ask(path, 415, { ...whose, ...STRANGE });
  }
  await ask('/sync/events/{centerId}', 400, { authorization, query: '?lastEventId=yesterday' });
  await ask('/sync/operations/{centerId}', 400, { authorization, query: '?limit=all' });
  await ask(DECIDING, 401, { authorization });
  for (const path of ['/auth/token', ...FOR_CENTERS]) await ask(path, 401);
  for (const path of FOR_CENTERS) {
    await ask(path, 403, { authorization, centerId: OTHER_CENTER });
    await ask(path, 404, { authorization: admin, centerId: 'LAG-9' });
  }
  await ask(SHARED, 409, { authorization, body: upload(2) });
  await ask('/sync/download/{centerId}', 409, { authorization: admin, centerId: OTHER_CENTER });
}

async function guess(ask: Asker): Promise<void> {
  const wrong = { authorization: `Basic ${Buffer.from(`${CENTER}:wrong`).toString('base64')}` };
  // Wherever they are made, ten are too many.
  for (let n = 0; n < 5; n += 1) {
    await ask('/auth/token', 401, wrong);
    await ask('/sync/download/{centerId}', 401, wrong);
  }
  for (const path of ['/auth/token', ...FOR_CENTERS]) await ask(path, 429, wrong);
}

/** A center's document with two leaves, decided. */
async function decide(ask: Asker, server: RunningServer, { authorization }: CenterAccess): Promise<void> {
  const admin = `Bearer ${server.adminToken}`;
  const id = `center-${CENTER}:result:E000002`;
  const leaf = (rev: string, score: number) => ({ _id: id, _rev: rev, type: 'result', score });
  const docs = [leaf('1-a', 1), leaf('1-b', 2)];
  await fetch(`${server.url}/replicas/${CENTER}/_bulk_docs`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ docs, new_edits: false }),
  });
  const say = (decision: object) => ({ authorization: admin, body: JSON.stringify({ id, ...decision }) });
  await ask(DECIDING, 409, say({ choose: '1-a', leaves: ['1-a'] }));
  await ask(DECIDING, 200, say({ choose: '1-a' }));
  await ask(DECIDING, 404, { authorization: admin, body: JSON.stringify({ id: 'x', choose: '1-a' }) });
}

test('OpenAPI tells of every route of the sync API, and of every answer it gives', async ({
  server,
  center,
  node,
  packages,
}) => {
  const paths = await read(server);
  expect(Object.keys(paths).sort()).toEqual([...POSTS, SHARED, DECIDING, ...GETS].sort());
  await server.addCenter(OTHER_CENTER);
  const { ask, given } = createAsker(server, paths);
  await node.replicate();
  await askRightly(ask, center);
  await askWrongly(ask, server, center);
  await decide(ask, server, center);
  const { authorization } = center;
  const file = await packages.up('zero');
  const sent = { authorization, type: PACKAGE_MEDIA_TYPE };
  expect(await ask(SHARED, 200, { ...sent, body: file })).toBeInstanceOf(Uint8Array);
  await ask(SHARED, 200, { ...sent, body: file, accept: 'application/json' });
  await ask(SHARED, 400, { ...sent, body: 'no package' });
  await ask(SHARED, 403, { ...sent, body: await packages.down() });
  await ask(SHARED, 422, { ...sent, body: file.subarray(0, -10) });
  await guess(ask);

  const told: string[] = [];
  for (const [path, methods] of Object.entries(paths)) {
    for (const { summary, security, responses } of Object.values(methods)) {
      expect(summary).toBeTruthy();
      if (FOR_CENTERS.includes(path)) expect(security?.map((one) => Object.keys(one)[0])).toContain('center');
      expect(responses.default?.content).toHaveProperty('application/json');
      for (const [status, { description }] of Object.entries(responses)) {
        expect(description, `${path} ${status}`).not.toBe('Default Response');
        if (status !== 'default') told.push(`${path} ${status}`);
      }
    }
  }
  expect([...given].sort()).toEqual(told.sort());
  expect(Object.keys(paths[SHARED]?.post?.requestBody?.content ?? {})).toEqual([
    'application/json',
    PACKAGE_MEDIA_TYPE,
  ]);
}, 120_000);
