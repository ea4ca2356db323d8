import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBrowser } from '../harness/browser.ts';
import { statusOf } from '../harness/raw-request.ts';
import { openServerHere, type RunningServer } from '../harness/server.ts';
import { flawsOf } from './accessibility.ts';
import { signIn } from './office.ts';

async function cookieOf(url: string, token: string): Promise<string> {
  const body = JSON.stringify({ token });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/session`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  const set = response.headers.get('set-cookie') ?? '';
  expect(set).toMatch(/^cbt_session=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  return set.split(';', 1)[0] as string;
}

let server: RunningServer;
beforeAll(async () => {
  server = await openServerHere();
});
afterAll(() => server?.[Symbol.asyncDispose]());

test('the cookie stands for the token in what pages ask, and not for a page of another site', async () => {
  const { url } = server;
  const cookie = await cookieOf(url, server.adminToken);
  const own = { cookie, origin: `http://${new URL(url).host}`, 'x-cbt-page': '1' };
  const ask = (method: string, path: string, headers: Record<string, string>) =>
    statusOf(url + path, method, headers);
  expect(await ask('GET', '/api/centers', { cookie })).toBe(200);
  expect(await ask('POST', '/api/centers/A/secret', own)).toBe(404);
  // Without the header of a page: a form of another site could send that.
  expect(await ask('POST', '/api/centers/A/secret', { cookie })).toBe(401);
  expect(await ask('POST', '/api/centers/A/secret', { ...own, origin: 'https://evil.example' })).toBe(401);
  expect(await ask('GET', '/api/centers', { cookie, origin: 'https://evil.example' })).toBe(401);
  expect(await ask('GET', '/couch/cbt', { cookie })).toBe(401);
  expect(await ask('GET', '/replicas/A', { cookie })).toBe(401);
  const [name, value = ''] = cookie.split('=');
  const [until, nonce, signature] = value.split('.');
  const forged = [
    `${name}=${Number(until) + 1}.${nonce}.${signature}`,
    `${name}=1.${nonce}.${signature}`,
    `${name}=${until}.${nonce}.`,
    `${name}=`,
  ];
  for (const one of forged) {
    expect([one, await ask('GET', '/api/centers', { cookie: one })]).toEqual([one, 401]);
  }
});

test('a session outlives the server, and ends with the token', async () => {
  const cookie = await cookieOf(server.url, server.adminToken);
  await server.stop();
  await server.start();
  expect(await statusOf(`${server.url}/api/centers`, 'GET', { cookie })).toBe(200);
  await using other = await openServerHere({ adminToken: 'another-token-of-administrators' });
  expect(await statusOf(`${other.url}/api/centers`, 'GET', { cookie })).toBe(401);
});

test('the root is a page for browsers and a greeting for CouchDB’s clients', async () => {
  const greeting = await fetch(`${server.url}/`);
  expect(await greeting.json()).toMatchObject({ couchdb: 'Welcome' });
  const page = await fetch(`${server.url}/`, { headers: { accept: 'text/html,*/*' } });
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(await page.text()).toContain('/server/pages/main.ts');
});

test('a wrong token opens nothing, and signing out ends what was open', async () => {
  await using stranger = await startBrowser();
  const door = await stranger.open(`${server.url}/`);
  await door.getByLabel('Admin token').fill('wrong');
  await door.getByRole('button', { name: 'Sign in' }).click();
  await door.getByText('This is not the admin token.').waitFor();
  expect(await flawsOf(door)).toEqual([]);
  const { browser, page } = await signIn(server);
  await using _ = browser;
  await page.reload();
  await page.getByRole('heading', { name: 'Centers and tests' }).waitFor();
  expect(await page.evaluate(() => document.cookie)).toBe('');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Admin token').waitFor();
  await page.reload();
  await page.getByLabel('Admin token').waitFor();
  expect([...stranger.faults, ...browser.faults]).toEqual([]);
});
