import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts';

const BODY = 'x'.repeat(100_000);

/** A server that answers a GET with `BODY` and a POST with what it was sent, and a line to it. */
async function openLine(): Promise<FaultProxy> {
  const server = createServer((req, res) => {
    if (req.method === 'POST') req.pipe(res);
    else res.setHeader('content-length', BODY.length).end(BODY);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    ...proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
}

const get = async (line: FaultProxy, path = '/') => (await fetch(line.url + path)).text();

describe('a line that fails on command', () => {
  test('carries bytes unchanged, both ways, and counts them', async () => {
    await using line = await openLine();
    const sent = BODY + BODY.toUpperCase();
    const answer = await fetch(line.url, { method: 'POST', body: sent });
    expect(await answer.text()).toBe(sent);
    expect(await get(line)).toBe(BODY);
    expect(line.bytes.up).toBeGreaterThan(sent.length);
    expect(line.bytes.down).toBeGreaterThan(sent.length + BODY.length);
    expect(line.requests).toEqual(['POST /', 'GET /']);
  });

  test('delays and limits bandwidth', async () => {
    await using line = await openLine();
    line.set({ roundTripMs: 100, bitsPerSecond: 2_000_000 });
    const start = performance.now();
    expect(await get(line)).toBe(BODY);
    const ms = performance.now() - start;
    // 0.4 s for the bytes, one round trip for the connection and one for the exchange.
    expect(ms).toBeGreaterThan(590);
    expect(ms).toBeLessThan(5000);
  });

  test('keeps the order of many connections under a changing delay', async () => {
    await using line = await openLine();
    line.set({ roundTripMs: 40 });
    const sent = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(20_000));
    const answers = Promise.all(
      sent.map(async (body) => (await fetch(line.url, { method: 'POST', body })).text()),
    );
    line.set({ roundTripMs: 0 });
    expect(await answers).toEqual(sent);
  });

  test('brings an answer whole whose connection ends with it', async () => {
    await using line = await openLine();
    line.set({ roundTripMs: 50, bitsPerSecond: 2_000_000 });
    const response = await fetch(line.url, { headers: { connection: 'close' } });
    expect(await response.text()).toBe(BODY);
  });

  test('truncates a body', async () => {
    await using line = await openLine();
    line.truncateNext(5000, /target/);
    expect(await get(line, '/other')).toBe(BODY);
    const response = await fetch(`${line.url}/target`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(await get(line, '/target')).toBe(BODY);
  });

  test.each([429, 503])('answers %i itself', async (status) => {
    await using line = await openLine();
    line.answerNext(2, status, /target/);
    const statuses: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const response = await fetch(`${line.url}/target`, { method: 'POST', body: BODY });
      statuses.push(response.status);
      await response.text();
    }
    expect(statuses).toEqual([status, status, 200]);
  });

  test('goes down and up again on the same port', async () => {
    await using line = await openLine();
    expect(await get(line)).toBe(BODY);
    await line.down();
    await expect(get(line)).rejects.toThrow();
    await line.up();
    expect(await get(line)).toBe(BODY);
  });

  test('resets what is under way', async () => {
    await using line = await openLine();
    line.set({ bitsPerSecond: 400_000 });
    const response = await fetch(line.url);
    line.cut();
    await expect(response.text()).rejects.toThrow();
  });

  test('swallows: open, and silent', async () => {
    await using line = await openLine();
    line.set({ swallow: true });
    await expect(fetch(line.url, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/);
    line.set({ swallow: false });
    expect(await get(line)).toBe(BODY);
  });
});
