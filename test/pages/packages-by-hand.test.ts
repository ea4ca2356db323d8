import { expect, test } from 'vitest';
import { CENTER, examDocuments, TEST } from '../exam/room.ts';
import { type Page, startBrowser } from '../harness/browser.ts';
import { enrollmentDocument } from '../harness/documents.ts';
import { startNode } from '../harness/node.ts';
import { startServer } from '../harness/server.ts';
import { flawsOf } from './accessibility.ts';
import { goTo, signIn } from './office.ts';

async function downloaded(page: Page, press: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  return download.path();
}

test('a center without a line gets its exam on a stick, and brings its results back on one', async () => {
  await using server = await startServer();
  const center = await server.addCenter(CENTER);
  await server.importDocuments(examDocuments({ candidates: 2 }));
  await using node = await startNode({ server: server.url, center });
  const { browser, page: admin } = await signIn(server);
  await using _ = browser;
  await using desk = await startBrowser();
  const operator = await desk.open(`${node.url}/`);
  const bring = (path: string) => operator.getByLabel('Bring in a package…').last().setInputFiles([path]);

  await admin.getByRole('link', { name: 'Packages' }).click();
  await admin.getByLabel('Center', { exact: true }).fill(CENTER);
  await admin.getByLabel('Everything, for a new machine').check();
  const make = admin.getByRole('button', { name: 'Make a package for the center' });
  await operator.getByText('Packages on a stick').waitFor();
  await bring(await downloaded(admin, () => make.click()));
  await operator.getByText(/^Brought in: \d+ new documents\.$/).waitFor();
  await operator.getByText('6 questions, 2 candidates.').waitFor();
  expect(await flawsOf(operator)).toEqual([]);

  await operator.locator('.answer').first().getByText('Yes', { exact: true }).waitFor();
  const entered = await fetch(`${node.url}/api/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ accessCode: enrollmentDocument(CENTER, TEST, 1).accessCode }),
  });
  const { sessionId } = (await entered.json()) as { sessionId: string };
  await fetch(`${node.url}/api/sessions/${sessionId}/submit`, { method: 'POST' });
  const results = operator.getByRole('link', { name: 'Make a package of the results' });
  const carried = await downloaded(operator, () => results.click());
  const [upload] = await Promise.all([
    admin.waitForEvent('download'),
    admin.locator('input[type=file]').setInputFiles([carried]),
  ]);
  await admin.getByText(/^Brought in: \d+ new documents, 0 refused\./).waitFor();
  await bring(await upload.path());
  await operator.getByText('The one result is confirmed.').waitFor();
  await goTo(admin, `#/centers/${CENTER}`);
  await admin.getByRole('heading', { name: 'Replications' }).waitFor();
  await admin.getByRole('row', { name: /^from the center completed/ }).waitFor();
  expect([...browser.faults, ...desk.faults]).toEqual([]);
});
