import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBrowser } from '../harness/browser.ts';
import { ROOT } from '../harness/child.ts';
import { openExam } from '../results/exam.ts';
import { playNode } from '../results/played-node.ts';
import { pressKeyAt, tabTo } from './accessibility.ts';
import './office.ts';

test('an administrator’s work by keyboard alone, from the sign-in to the sign-out', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  await server.addCenter('L-10');
  const node = playNode(center);
  await node.register();
  await using browser = await startBrowser();
  const page = await browser.open(`${server.url}/`);
  const rows = () => page.locator('.board tbody th a').allTextContents();

  await tabTo(page, /^Admin token$/);
  await page.keyboard.type(server.adminToken);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'L-10', exact: true }).waitFor();
  await page.getByText('0 of 1 center ready').waitFor();
  await page.getByText('1 center has no test assigned.').waitFor();
  await pressKeyAt(page, /^Center ↑$/);
  expect(await rows()).toEqual(['L-10', 'L-1']);
  await pressKeyAt(page, /^Not ready, and why/);
  await page.getByText('never synced: all tests').waitFor();
  expect(await rows()).toEqual(['L-1']);

  await pressKeyAt(page, /^Add a center…$/);
  await tabTo(page, /^Id$/);
  await page.keyboard.type('L-2');
  await tabTo(page, /^Name/);
  await page.keyboard.type('The second');
  await page.keyboard.press('Enter');
  await page.getByText('The secret of L-2').waitFor();
  await pressKeyAt(page, /^I have it$/);

  await pressKeyAt(page, /^L-1$/);
  await pressKeyAt(page, /^Declare replaced…$/);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Declare replaced…');
  await page.keyboard.press('Enter');
  await pressKeyAt(page, /^It is replaced$/);
  await page.getByText('replaced', { exact: true }).waitFor();
  expect((await node.push(node.sheet(1)))[0]?.error).toBe('forbidden');
  await pressKeyAt(page, /^Take back…$/);
  await pressKeyAt(page, /^Take it back$/);
  await page.getByText('known', { exact: true }).waitFor();
  expect((await node.push(node.sheet(2)))[0]?.error).toBeUndefined();

  await pressKeyAt(page, /^Import$/);
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    pressKeyAt(page, /^Choose files…$/),
  ]);
  await chooser.setFiles(join(ROOT, 'test/sample-exam/subjects.csv'));
  await page.getByRole('cell', { name: 'subjects.csv' }).waitFor();
  // Past the list of files, which scrolls and so can be reached itself.
  await tabTo(page, /^Import$/);
  await page.keyboard.press('Tab');
  await pressKeyAt(page, /^Import$/);
  await page.getByRole('row', { name: /^subjects\.csv subjects \d+ [1-9]\d* 0 0$/ }).waitFor();

  await pressKeyAt(page, /^Audit$/);
  await page.getByRole('row', { name: /Node taken back/ }).waitFor();
  await tabTo(page, /^Action/);
  await page.keyboard.type('Node declared');
  await pressKeyAt(page, /^Filter$/);
  await page.getByRole('row', { name: /Node taken back/ }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /Node declared replaced/ }).waitFor();
  await pressKeyAt(page, /^Sign out$/);
  await page.getByLabel('Admin token').waitFor();
  expect(browser.faults).toEqual([]);
});
