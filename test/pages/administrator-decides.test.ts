import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leafOf } from '../conflicts/tree.ts';
import { type ConflictWorld, openConflictWorld } from '../conflicts/world.ts';
import { examDocuments } from '../exam/room.ts';
import type { Browser, Page } from '../harness/browser.ts';
import { studentDocument } from '../harness/documents.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { flawsOf, pressKeyAt } from './accessibility.ts';
import { goTo, signIn } from './office.ts';

const HEADER = 'registration_number,first_name,middle_name,last_name,email,phone,date_of_birth,sex';

let world: ConflictWorld;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  world = await openConflictWorld({ resolveConflicts: false });
  ({ browser, page } = await signIn(world.server));
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

test('both sides of a conflict stand next to each other; fields are picked, the decision is undone', async () => {
  const doc = studentDocument('L-1', 1);
  const { _id } = doc;
  await world.replicate([
    leafOf(_id, ['1-r'], doc),
    leafOf(_id, ['2-a', '1-r'], { ...doc, phone: '1', middleName: 'A' }),
    leafOf(_id, ['2-b', '1-r'], { ...doc, email: 'new@example.org', middleName: 'B' }),
  ]);
  await goTo(page, `#/conflicts/${encodeURIComponent(_id)}`);
  const field = (name: string) => page.getByRole('row', { name: new RegExp(`^${name} `) });
  await field('phone').waitFor();
  // The suggestion is chosen beforehand: each side's own change.
  expect(await field('phone').getByRole('cell').last().textContent()).toBe('1');
  expect(await field('email').getByRole('cell').last().textContent()).toBe('new@example.org');
  expect(await field('lastName').count()).toBe(0);
  await pressKeyAt(page, /^middleName: take that of Side \d: A$/);
  expect(await field('middleName').getByRole('cell').last().textContent()).toBe('A');
  expect(await flawsOf(page)).toEqual([]);
  await page.getByLabel('Why, for the audit log').fill('asked by telephone');
  await pressKeyAt(page, /^Decide$/);
  await page.getByText(`Decided: ${_id}`).waitFor();
  const { entries } = await world.server.api.request<{ entries: object[] }>('GET', '/api/audit?limit=1');
  expect(entries).toMatchObject([{ documentId: _id, details: { note: 'asked by telephone' } }]);
  expect(await world.live(_id)).toMatchObject([{ phone: '1', email: 'new@example.org', middleName: 'A' }]);
  await pressKeyAt(page, /^Undo$/);
  await page.getByText('Undone: it waits again.').waitFor();
  await page.getByRole('link', { name: _id }).waitFor();
  expect(await world.live(_id)).toHaveLength(2);

  const path = `/api/conflicts/${encodeURIComponent(_id)}`;
  const { leaves } = await world.server.api.request<{ leaves: string[] }>('GET', path);
  await world.server.api.request('POST', path, { choose: leaves[0] });
  await goTo(page, '#/audit');
  const resolved = page.getByRole('row', { name: _id }).filter({ hasText: 'a person chose a side' });
  await resolved.getByRole('button', { name: 'Undo' }).click();
  await resolved.getByText('Undone: it waits again.').waitFor();
  expect(await world.live(_id)).toHaveLength(2);
});

test('a conflict whose sides have changed meanwhile is shown again, and nothing is written', async () => {
  const doc = studentDocument('L-1', 2);
  const { _id } = doc;
  const [a, b] = ['a', 'b'].map((rev) => leafOf(_id, [`2-${rev}`, '1-r'], { ...doc, phone: rev }));
  await world.replicate([leafOf(_id, ['1-r'], doc), a!, b!]);
  await goTo(page, `#/conflicts/${encodeURIComponent(_id)}`);
  await page.getByRole('row', { name: /^phone / }).waitFor();
  await world.replicate([leafOf(_id, ['3-c', '2-a', '1-r'], { ...doc, phone: 'c' })]);
  await page.getByRole('button', { name: 'Decide' }).click();
  await page.getByText('The sides have changed meanwhile.').waitFor();
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByRole('row', { name: /^phone .* c / }).waitFor();
  expect(await world.live(_id)).toHaveLength(2);
});

test('rows that are wrong come back as CSV with their reasons, and the others are in', async () => {
  await using folder = await tempFolder('cbt-exports');
  const file = join(folder.path, 'students.csv');
  const rows = ['K1,Ann,"line\nbreak",Obi,,,,F', 'K2,,,Nameless,,,,F', '"K3","=1+1",,Obi,,,not a date,M'];
  await writeFile(file, [HEADER, ...rows, ''].join('\n'));
  await goTo(page, '#/import');
  await drop(page, file);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('heading', { name: 'students.csv: 2 bad rows' }).waitFor();
  expect(await flawsOf(page)).toEqual([]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the bad rows as CSV' }).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  const lines = text.split('\r\n');
  expect(lines[0]).toBe(`${HEADER},reason`);
  expect(lines[1]).toMatch(/^K2,,,Nameless,,,,F,.*first_name/);
  expect(lines[2]).toMatch(/^"K3","=1\+1",,Obi,,,not a date,M,.*date_of_birth/);
  expect(lines).toHaveLength(4);
});

/** A file let go over the page, as from a folder's window. */
async function drop(page: Page, path: string): Promise<void> {
  const content = await readFile(path, 'utf8');
  const files = await page.evaluateHandle(
    ([name, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name, { type: 'text/csv' }));
      return transfer;
    },
    [basename(path), content] as const,
  );
  const area = page.locator('.drop');
  await area.dispatchEvent('dragover', { dataTransfer: files });
  await page.locator('.drop.over').waitFor();
  await area.dispatchEvent('drop', { dataTransfer: files });
}

test('a new secret is shown once, and the test that is withdrawn leaves the list', async () => {
  const { server } = world;
  const access = await server.addCenter('LAG-1');
  await server.importDocuments(examDocuments({}));
  await goTo(page, '#/board');
  await page.getByRole('link', { name: 'LAG-1', exact: true }).click();
  await page.getByRole('button', { name: 'New secret…' }).click();
  await page.getByText('The old one is dead at once').waitFor();
  await page.getByRole('button', { name: 'Make a new secret' }).click();
  const secret = (await page.locator('code.secret').textContent()) ?? '';
  await page.getByRole('button', { name: 'I have it' }).click();
  const authorization = `Basic ${Buffer.from(`LAG-1:${secret}`).toString('base64')}`;
  expect((await fetch(`${server.url}/replicas/LAG-1`, { headers: { authorization } })).status).toBe(200);
  const old = { authorization: access.authorization };
  expect((await fetch(`${server.url}/replicas/LAG-1`, { headers: old })).status).toBe(401);
  await page.getByRole('button', { name: 'Withdraw… SCI-P1' }).click();
  await page.getByText('Sessions that run are ended').waitFor();
  await page.getByRole('button', { name: 'Withdraw it' }).click();
  await page.getByText('no test assigned').waitFor();
  await goTo(page, '#/board');
  await page.getByRole('button', { name: 'Assign or withdraw a test…' }).click();
  await page.getByLabel('Test', { exact: true }).fill('SCI-P1');
  await page.getByLabel('Centers, one id a line').fill('LAG-1\nNOBODY');
  await page.getByRole('button', { name: 'Assign to these centers' }).click();
  await page.getByText('1 of 2 changed').waitFor();
  await page.getByText(/1 failed:.*NOBODY/).waitFor();
  await page.keyboard.press('Escape');
});

test('no section has barriers or runs over the edge of an old PC or a phone', async () => {
  const { server } = world;
  for (const centerId of ['LAG-10', 'ABJ-2']) await server.addCenter(centerId);
  await server.importDocuments(examDocuments({}));
  await goTo(page, '#/board');
  const found: Record<string, string[]> = {};
  const look = async (screen: string) => {
    found[screen] = await flawsOf(page);
  };
  await page.getByText('Center LAG-10').waitFor();
  await look('board');
  await pressKeyAt(page, /^Not ready, and why/);
  await page.getByText('never synced: all tests').waitFor();
  await look('not ready');
  await page.getByRole('button', { name: 'Assign or withdraw a test…' }).click();
  await look('assign');
  await page.keyboard.press('Escape');
  for (const section of await sectionsOf(page)) {
    await goTo(page, section);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await look(section);
  }
  await goTo(page, '#/centers/LAG-1');
  await page.getByRole('heading', { name: 'What it holds' }).waitFor();
  await look('center');
  expect(found).toEqual(Object.fromEntries(Object.keys(found).map((screen) => [screen, []])));
  expect(Object.keys(found).length).toBeGreaterThan(7);
  expect(browser.faults).toEqual([]);
});

async function sectionsOf(page: Page): Promise<string[]> {
  return page.locator('nav a').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
}

test('a refused write is accepted, another returned, and the audit log shown to be whole', async () => {
  const { server } = world;
  const center = await server.addCenter('ABJ-30');
  const [kept, sentBack] = [1, 2].map((n) => studentDocument('ABJ-30', n));
  for (const doc of [kept, sentBack]) {
    const response = await fetch(`${server.url}/replicas/ABJ-30/${encodeURIComponent(doc!._id)}`, {
      method: 'PUT',
      headers: { authorization: center.authorization, 'content-type': 'application/json' },
      body: JSON.stringify(doc),
    });
    expect(response.status).toBe(403);
  }
  await goTo(page, '#/quarantine');
  const card = (id: string) => page.getByRole('listitem').filter({ hasText: id });
  await card(kept!._id).getByRole('button', { name: 'Accept…' }).click();
  await page.getByRole('button', { name: 'Accept', exact: true }).click();
  await card(kept!._id).waitFor({ state: 'detached' });
  await card(sentBack!._id).getByRole('button', { name: 'Return…' }).click();
  await page.getByLabel('Note').fill('Register the student online.');
  await page.getByRole('button', { name: 'Return', exact: true }).click();
  await card(sentBack!._id).waitFor({ state: 'detached' });
  expect((await world.live(kept!._id)).map(({ _id }) => _id)).toEqual([kept!._id]);
  await expect(world.live(sentBack!._id)).rejects.toMatchObject({ code: 'not_found' });
  await page.getByRole('button', { name: 'returned' }).click();
  await page.getByText('Note: Register the student online.').waitFor();
  expect(await flawsOf(page)).toEqual([]);

  await goTo(page, '#/audit');
  await page.getByRole('row', { name: /Refused write returned/ }).waitFor();
  expect(await flawsOf(page)).toEqual([]);
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await page.getByText(/^Whole: \d+ entries/).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByText('Download as NDJSON').click(),
  ]);
  expect(await readFile(await download.path(), 'utf8')).toContain('quarantine.returned');
});
