import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBrowser, startChromium } from '../harness/browser.ts';
import { ROOT, runScript } from '../harness/child.ts';
import { type NodeProcess, startNode } from '../harness/node.ts';
import { startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { begin, saved, submit } from './hall.ts';
import { goTo, signIn } from './office.ts';

const SAMPLE = join(ROOT, 'test/sample-exam');
const CENTER = 'KAT-1';
const PIN = '402871';

/** The sample exam's files, with tests that are sat today. */
async function examToday(folder: string): Promise<string[]> {
  const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 19);
  const names = (await readdir(SAMPLE)).filter((name) => name.endsWith('.csv'));
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(SAMPLE, name), 'utf8');
      const today = text.replace(/2027-[\dT:-]+Z,2027-[\dT:-]+Z/g, `${at(-1)}Z,${at(3)}Z`);
      const path = join(folder, name);
      await writeFile(path, today);
      return path;
    }),
  );
}

/** The access codes of a center's candidates, by the sample's own file. */
async function codesOf(centerId: string): Promise<string[]> {
  const text = await readFile(join(SAMPLE, 'enrollments.csv'), 'utf8');
  const rows = text.split('\n').map((line) => line.split(','));
  return rows.filter((row) => row[3] === centerId).map((row) => String(row[4]));
}

async function setPin({ dataDir }: NodeProcess): Promise<void> {
  const done = await runScript('local-node/main.ts', ['pin'], {
    env: { DATA_DIR: dataDir },
    input: `${PIN}\n`,
  });
  expect(done.code).toBe(0);
}

test('an exam day at its pages: import, ready, three candidates, a power cut, a conflict, and the machine may be wiped', {
  timeout: 240_000,
}, async () => {
  await using server = await startServer();
  await using folder = await tempFolder('cbt-exports');
  const { browser, page: admin } = await signIn(server);
  await using _ = browser;

  await goTo(admin, '#/import');
  await admin.locator('input[type=file]').setInputFiles(await examToday(folder.path));
  await admin.getByRole('button', { name: 'Import', exact: true }).click();
  const last = admin.getByRole('row', { name: /^enrollments\.csv/ });
  await last.getByRole('cell').nth(3).getByText(/\d/).waitFor();
  expect(await admin.getByText(/bad row/).count()).toBe(0);

  await goTo(admin, '#/board');
  const row = admin.getByRole('row', { name: /KAT-1 Harbor Hall/ });
  await row.getByRole('img', { name: 'never synced' }).waitFor();
  await admin.getByRole('button', { name: 'Add a center…' }).click();
  await admin.getByLabel('Id', { exact: true }).fill(CENTER);
  await admin.getByRole('button', { name: 'Add, and make its secret' }).click();
  const secret = (await admin.locator('code.secret').textContent()) ?? '';
  await admin.getByRole('button', { name: 'I have it' }).click();

  await using node = await startNode({ server: server.url, center: { centerId: CENTER, secret } });
  await setPin(node);
  await node.stop();
  await node.start();
  await using desk = await startBrowser();
  const operator = await desk.open(`${node.url}/`);
  const replicate = async () => {
    const button = operator.getByRole('button', { name: 'Replicate now' });
    await button.click();
    await operator.locator('button:not([aria-disabled=true])', { hasText: 'Replicate now' }).waitFor();
  };
  await operator.getByText('Nothing has been received from the server yet.').waitFor();
  await replicate();
  await operator.getByText('Astronomy, Paper 1').first().waitFor();
  await row.getByRole('img', { name: 'ready', exact: true }).waitFor();

  const codes = (await codesOf(CENTER)).slice(0, 3);
  expect(codes).toHaveLength(3);
  await using hall = await startChromium();
  const papers = await Promise.all(
    codes.map(async (accessCode) => {
      const paper = await (await hall.browser()).open(`${node.url}/exam`);
      await begin(paper, { enrollmentId: '', accessCode });
      await paper.keyboard.press('a');
      await saved(paper).waitFor();
      return paper;
    }),
  );
  await node.kill();
  for (const paper of papers) {
    await paper.keyboard.press('PageDown');
    await paper.keyboard.press('b');
    await paper.getByText('Not saved yet').waitFor();
  }
  await node.start();
  for (const paper of papers) {
    await saved(paper).waitFor();
    await submit(paper);
  }

  await operator.getByText('3 of 3 results').waitFor();
  await replicate();
  await replicate();
  await operator.getByText('All 3 results are confirmed.').waitFor();

  await goTo(admin, '#/results');
  await admin.getByText('verified', { exact: true }).nth(2).waitFor();
  expect(await admin.getByText('verified', { exact: true }).count()).toBe(3);

  // Another machine of the center has sent a result of its own for the first candidate.
  const path = `/couch/cbt/${encodeURIComponent(`center-${CENTER}:result:KE0001`)}`;
  const result = await server.api.request<Record<string, unknown>>('GET', path);
  const other = { ...result, _rev: `1-${'0'.repeat(32)}`, score: Number(result.score) + 1 };
  await server.api.request('POST', '/couch/cbt/_bulk_docs', { docs: [other], new_edits: false });
  await goTo(admin, '#/conflicts');
  await admin.getByRole('link', { name: /result:KE0001/ }).click();
  await admin.getByText('Results are signed and cannot be merged').waitFor();
  const scores = await admin
    .getByRole('row', { name: /^score / })
    .getByRole('cell')
    .allTextContents();
  const side = scores.slice(1, 3).indexOf(String(result.score));
  await admin.getByRole('button', { name: 'Take this side' }).nth(side).click();
  await admin.getByRole('button', { name: 'Decide' }).click();
  await admin.getByText(`Decided: center-${CENTER}:result:KE0001`).waitFor();
  expect((await server.api.request<Record<string, unknown>>('GET', path)).score).toBe(result.score);

  await replicate();
  await replicate();
  await operator.getByText('Yes, both').waitFor();
  expect((await node.command('wipe', '--check')).code).toBe(0);
  expect([...browser.faults, ...desk.faults]).toEqual([]);
});
