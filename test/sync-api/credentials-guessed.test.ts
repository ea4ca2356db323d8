import { expect, test, vi } from 'vitest';
import { createAttempts } from '../../server/sync-api/attempts.ts';
import { ask } from '../harness/ask.ts';
import { openWorld } from './world.ts';

test('a token stands for its center alone, and dies with the secret it was given for', async () => {
  await using world = await openWorld();
  const { server, one } = world;
  const issued = await ask<{ token: string; expiresIn: number }>(`${server.url}/auth/token`, {
    body: { centerId: one.centerId, secret: one.secret },
  });
  expect(issued.status).toBe(200);
  expect(issued.body.expiresIn).toBe(900);
  const authorization = `Bearer ${issued.body.token}`;
  expect((await ask(`${server.url}/sync/status/LAG-1`, { authorization })).status).toBe(200);
  expect((await ask(`${server.url}/sync/status/LAG-10`, { authorization })).status).toBe(403);
  expect((await ask(`${server.url}/api/status`, { authorization })).status).toBe(401);
  const byHeader = { authorization: one.authorization, method: 'POST' };
  expect((await ask(`${server.url}/auth/token`, byHeader)).status).toBe(200);
  vi.setSystemTime(Date.now() + 901_000);
  // One that is too old is no guess.
  for (let n = 0; n < 11; n += 1) {
    expect((await ask(`${server.url}/sync/status/LAG-1`, { authorization })).status).toBe(401);
  }
  vi.useRealTimers();
  const [head, payload, signature] = issued.body.token.split('.');
  const claims = JSON.parse(Buffer.from(payload as string, 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'LAG-10' })).toString('base64url');
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  for (const token of [`${head}.${forged}.${signature}`, `${unsigned}.${payload}.${signature}`]) {
    const answer = await ask(`${server.url}/sync/status/LAG-10`, { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(401);
  }
  await server.api.request('POST', '/api/centers/LAG-1/secret');
  expect((await ask(`${server.url}/sync/status/LAG-1`, { authorization })).status).toBe(401);
});

test('an administrator’s token opens what the admin token opens', async () => {
  await using world = await openWorld();
  const { server } = world;
  const { body } = await ask<{ token: string }>(`${server.url}/auth/token`, {
    body: { adminToken: server.adminToken },
  });
  const authorization = `Bearer ${body.token}`;
  expect((await ask(`${server.url}/api/status`, { authorization })).status).toBe(200);
  expect((await ask(`${server.url}/sync/status/LAG-1`, { authorization })).status).toBe(200);
  expect((await ask(`${server.url}/sync/status/LAG-9`, { authorization })).status).toBe(404);
});

test('who guesses has to wait, and locks nobody out', async () => {
  await using world = await openWorld();
  const { server, one, ten } = world;
  const guess = (centerId: string, secret: string) =>
    ask(`${server.url}/auth/token`, { body: { centerId, secret } });
  // The center has replicated: its secret was right before.
  expect((await ask(one.replicaUrl.replace(/\/\/.*@/, '//'), one)).status).toBe(200);
  const statuses: number[] = [];
  for (let n = 0; n < 12; n += 1) statuses.push((await guess('LAG-1', `guess ${n}`)).status);
  expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
  // Another route is no new beginning.
  const authorization = `Basic ${Buffer.from('LAG-1:guess').toString('base64')}`;
  expect((await ask(`${server.url}/sync/download/LAG-1`, { authorization, body: {} })).status).toBe(429);
  const limited = await guess('LAG-1', 'another');
  expect(limited).toMatchObject({ status: 429, body: { error: 'too_many_requests' } });
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(300);
  // Neither the center itself, nor its replication, nor another center at the same address.
  expect((await guess('LAG-1', one.secret)).status).toBe(200);
  expect((await ask(one.replicaUrl.replace(/\/\/.*@/, '//'), one)).status).toBe(200);
  expect((await guess('LAG-10', ten.secret)).status).toBe(200);
});

test('failures are forgotten after a while, and memory is bounded', () => {
  const attempts = createAttempts();
  for (let n = 0; n < 10; n += 1) attempts.failed('LAG-1', '10.0.0.1', n * 1000);
  expect(attempts.waitSeconds('LAG-1', '10.0.0.1', 10_000)).toBe(290);
  expect(attempts.waitSeconds('LAG-1', '10.0.0.2', 10_000)).toBe(0);
  expect(attempts.waitSeconds('LAG-10', '10.0.0.1', 10_000)).toBe(0);
  expect(attempts.waitSeconds('LAG-1', '10.0.0.1', 301_000)).toBe(0);
  for (let n = 0; n < 100; n += 1) attempts.failed(`LAG-${n}`, '10.0.0.3', 0);
  expect(attempts.waitSeconds('ABJ-1', '10.0.0.3', 1000)).toBe(299);
  for (let n = 0; n < 30_000; n += 1) attempts.failed(`X-${n}`, `10.1.${n >> 8}.${n & 255}`, 1000);
  expect(attempts.waitSeconds('ABJ-1', '10.0.0.3', 1000)).toBe(0);
});
