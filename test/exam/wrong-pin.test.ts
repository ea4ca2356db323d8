import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { createGuessLimit } from '../../local-node/guess-limit.ts';
import { openOperator } from '../../local-node/operator.ts';
import type { LogAnswer, TestsAnswer } from '../../local-node/routes/roster.ts';
import { openState } from '../../local-node/state.ts';
import { runScript } from '../harness/child.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { type Room, startRoom } from './room.ts';

const PIN = '402871';

async function setPin(room: Room, pin: string) {
  return runScript('local-node/main.ts', ['pin'], {
    env: { DATA_DIR: room.node.dataDir },
    input: `${pin}\n`,
  });
}

async function call(url: string, method: string, path: string, pin?: string, body?: object) {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (pin !== undefined) headers.authorization = `Basic ${Buffer.from(`operator:${pin}`).toString('base64')}`;
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await fetch(url + path, init);
  return { status: response.status, headers: response.headers };
}

test('operator calls need the PIN, and a wrong one is not tried for long', async () => {
  await using room = await startRoom();
  const { url } = room.node;
  const mode = (pin?: string) => call(url, 'PUT', '/api/mode', pin, { mode: 'manual' });
  expect((await call(url, 'GET', '/api/operator/sessions')).status).toBe(401);
  expect((await mode()).status).toBe(200);
  for (const weak of ['1234', '111111', 'abcdef'])
    expect(await setPin(room, weak)).toMatchObject({ code: 1 });
  expect(await setPin(room, PIN)).toMatchObject({ code: 0 });

  expect((await mode()).status).toBe(401);
  expect((await mode(PIN)).status).toBe(200);
  expect((await call(url, 'GET', '/api/operator/sessions', PIN)).status).toBe(200);
  expect((await call(url, 'GET', '/api/status')).status).toBe(200);
  for (let guess = 0; guess < 5; guess += 1) {
    const { status, headers } = await mode(`00000${guess}`);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('Basic');
  }
  expect((await mode(PIN)).status).toBe(429);
  const now = '2035-06-01T08:00:00.000Z';
  await room.node.api.request('PUT', '/api/operator/clock', { now });
  await room.node.kill();
  await room.node.start();
  const tests = await room.node.api.request<TestsAnswer>('GET', '/api/tests');
  expect(tests.now > now, 'the clock that was set is kept').toBe(true);
  expect((await mode(PIN)).status).toBe(200);
  expect((await mode()).status).toBe(401);
  await room.node.replicate();
  const { entries } = await room.node.api.request<LogAnswer>('GET', '/api/operator/log');
  const told = entries.map(({ event }) => event).filter((event) => /PIN|refused/.test(event));
  expect(told).toEqual([...Array(5).fill('operator refused'), 'PIN chosen']);
});

test('from another machine only the candidate’s routes answer without the PIN', async () => {
  await using room = await startRoom({ env: { HOST: '0.0.0.0' } });
  const address = Object.values(networkInterfaces())
    .flat()
    .find((known) => known && !known.internal && known.family === 'IPv4')?.address;
  const url = `http://${address}:${new URL(room.node.url).port}`;
  const closed = [
    ['GET', '/'],
    ['GET', '/api/status'],
    ['GET', '/api/events'],
    ['GET', '/api/quarantine'],
    ['GET', '/docs'],
    ['GET', '/metrics'],
    ['POST', '/api/replicate'],
    ['POST', '/api/verify'],
    ['GET', '/couch/replica/_all_docs?include_docs=true'],
    ['GET', '/couch/replica/test-SCI-P1:question:SCI-P1-000001'],
    ['GET', '/api/nothing'],
  ];
  for (const [method, path] of closed) {
    expect([path, (await call(url, method!, path!)).status]).toEqual([path, 401]);
  }
  expect((await call(url, 'GET', '/health/live')).status).toBe(200);
  const { accessCode } = room.candidates[0]!;
  expect((await call(url, 'POST', '/api/sessions', undefined, { accessCode })).status).toBe(201);
  await setPin(room, PIN);
  expect((await call(url, 'GET', '/api/status', PIN)).status).toBe(200);
});

test('wrong guesses are forgotten after a while, and count for their address only', () => {
  let now = 0;
  const limit = createGuessLimit({ failures: 2, windowMs: 1000, now: () => now });
  limit.fail('a');
  limit.fail('a');
  expect(() => limit.refuseGuesser('a', 'PINs')).toThrow(/too many wrong PINs: try again in 1 s/);
  limit.refuseGuesser('b', 'PINs');
  now = 1000;
  limit.refuseGuesser('a', 'PINs');
});

test('PINs that are guessed all at once, or from ever other addresses, are no more than are tried one by one', async () => {
  await using folder = await tempFolder('cbt-operator');
  await using state = await openState(folder.path);
  let now = 0;
  const operator = await openOperator(state, () => now);
  await operator.setPin(PIN);
  const wrong = async (address: (guess: number) => string) => {
    const guesses = Array.from({ length: 100 }, (_, guess) =>
      operator.check(String(100_000 + guess), address(guess)).catch(({ code }) => code),
    );
    return (await Promise.all(guesses)).filter((code) => code === 'unauthorized').length;
  };
  expect(await wrong(() => '10.0.0.7')).toBe(5);
  await expect(operator.check(PIN, '10.0.0.7')).rejects.toMatchObject({ code: 'too_many_requests' });
  await operator.check(PIN, '10.0.0.8');
  expect(await wrong((guess) => `10.0.1.${guess}`)).toBe(25);
  await expect(operator.check(PIN, '10.0.0.8')).rejects.toMatchObject({ code: 'too_many_requests' });
  await operator.check(PIN, '127.0.0.1');
  now = 60_000;
  await Promise.all(Array.from({ length: 10 }, () => operator.check(PIN, '10.0.0.7')));
});
