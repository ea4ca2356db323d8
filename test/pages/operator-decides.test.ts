import { beforeAll, expect, test } from 'vitest';
import { CENTER } from '../exam/room.ts';
import type { Page } from '../harness/browser.ts';
import { runScript } from '../harness/child.ts';
import { studentDocument } from '../harness/documents.ts';
import { until } from '../harness/until.ts';
import { alterBody } from '../node/raw.ts';
import { flawsOf } from './accessibility.ts';
import { type Hall, hallOfAll, startHall } from './hall.ts';

const PIN = '402871';

const inHall = hallOfAll(() => startHall({ candidates: 4 }));

beforeAll(async () => {
  const { node } = inHall().room;
  await runScript('local-node/main.ts', ['pin'], { env: { DATA_DIR: node.dataDir }, input: `${PIN}\n` });
  await node.stop();
  await node.start();
});

async function operatorAt(hall: Hall): Promise<Page> {
  return (await hall.seat()).open(`${hall.room.node.url}/`);
}

async function unlock(page: Page): Promise<void> {
  await page.getByLabel('Operator’s PIN').fill(PIN);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

const answer = (page: Page, question: string) =>
  page
    .getByRole('region', { name: question })
    .or(page.locator('section', { hasText: question }))
    .first();

test('the three answers change with what happens, and no screen has barriers, on a PC and on a phone', async () => {
  const hall = inHall();
  const page = await operatorAt(hall);
  const [first, second] = [hall.nextCandidate(), hall.nextCandidate()];
  const ready = answer(page, 'Are we ready for the next test?');
  const confirmed = answer(page, 'What is not yet confirmed online?');
  const off = answer(page, 'May this machine be switched off or wiped?');
  await ready.getByText('Yes', { exact: true }).waitFor();
  await ready.getByText('6 questions, 4 candidates.').waitFor();
  await confirmed.getByText('Nothing', { exact: true }).waitFor();
  expect(await flawsOf(page)).toEqual([]);

  const { sessionId, questions } = await hall.room.enter(first);
  const path = `/api/sessions/${sessionId}`;
  await hall.room.ask('PUT', `${path}/answers/${questions![0]!.questionId}`, { choice: 'A', n: 1 });
  await hall.room.enter(second);
  await off.getByText('No', { exact: true }).waitFor();
  await off.getByText('2 sessions are running.').waitFor();
  await unlock(page);
  const row = page.getByRole('row', { name: /2026000001/ });
  await row.getByText('1 / 6').waitFor();

  await row.getByRole('button', { name: /^More time/ }).click();
  await page.getByLabel('Minutes', { exact: true }).fill('15');
  await page.getByLabel('Reason, for the log').fill('arrived late');
  expect(await flawsOf(page)).toEqual([]);
  await page.getByRole('button', { name: 'Give the time' }).click();
  await row.getByText('+15 min').waitFor();

  await row.getByRole('button', { name: /^Submit/ }).click();
  await page.getByText('1 of 6 questions are answered.').waitFor();
  await page.getByRole('button', { name: 'Submit for the candidate' }).click();
  await row.getByText('submitted', { exact: true }).waitFor();
  await confirmed.getByText('1 of 1 result', { exact: true }).waitFor();
  await row.getByText('not yet').waitFor();
  await page.getByText('Log of this node').click();
  await page.getByRole('cell', { name: /reason: arrived late/ }).waitFor();
  expect(await page.getByRole('cell', { name: new RegExp(sessionId) }).count()).toBe(0);
  expect(await flawsOf(page)).toEqual([]);

  await page.getByRole('button', { name: 'Replicate now' }).click();
  await page
    .getByRole('button', { name: 'Replicate now' })
    .and(page.locator(':not([aria-disabled=true])'))
    .waitFor();
  await page.getByRole('button', { name: 'Replicate now' }).click();
  await row.getByText('confirmed', { exact: true }).waitFor();
  await confirmed.getByText('Nothing', { exact: true }).waitFor();
  await off.getByText('1 session is running.').waitFor();
});

test('a wrong PIN opens nothing, and a node that is gone is seen', async () => {
  const hall = inHall();
  const page = await operatorAt(hall);
  await page.getByLabel('Operator’s PIN').fill('111222');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('This is not the PIN.').waitFor();
  expect(await page.getByRole('table').count()).toBe(0);
  expect(await page.getByLabel('Only when told').isDisabled()).toBe(true);
  await unlock(page);
  await page.getByText('2026000001').waitFor();
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  expect(await page.getByText('2026000001').count()).toBe(0);
  await hall.room.node.kill();
  await page.getByText('the node does not answer').waitFor();
  await hall.room.node.start();
  await page.getByText('line not tried yet').waitFor();
});

test('without a line, the page says in its own language that the server is what cannot be reached', async () => {
  const hall = inHall();
  const page = await (await hall.seat({ language: 'fr-SN' })).open(`${hall.room.node.url}/`);
  await page.getByText('identique au serveur', { exact: false }).first().waitFor();
  await hall.room.server.stop();
  await page.getByRole('button', { name: 'Répliquer maintenant' }).click();
  await page.getByRole('alert').getByText('Le serveur ne peut pas être joint.').waitFor();
  await page.getByText(/does not answer \(ECONNREFUSED\)/).waitFor();
  expect(await page.getByText('Le nœud ne répond pas').count()).toBe(0);
  await hall.room.server.start();
  await page.getByRole('button', { name: 'Répliquer maintenant' }).click();
  await page.getByText('ligne établie').waitFor();
  expect(await page.getByText('Le serveur ne peut pas être joint.').count()).toBe(0);
});

test('a test of which questions are missing is not ready, and the page says what is', async () => {
  const hall = inHall();
  const { room } = hall;
  const browser = await hall.seat();
  const page = await browser.open(`${room.node.url}/`);
  const ready = answer(page, 'Are we ready for the next test?');
  await ready.getByText('Yes', { exact: true }).waitFor();
  const id = encodeURIComponent(String(room.questions[0]?._id));
  const { _rev } = await room.server.api.request<{ _rev: string }>('GET', `/couch/cbt/${id}`);
  await room.server.api.request('DELETE', `/couch/cbt/${id}?rev=${_rev}`);
  await room.node.replicate();
  await ready.getByText('Not yet', { exact: true }).waitFor();
  await ready.getByText('1 question has not arrived.').waitFor();
});

test('a document changed on the disk is found and repaired; mode, PIN and clock change with the PIN alone', async () => {
  const hall = inHall();
  const { node } = hall.room;
  const { _id } = studentDocument(CENTER, 4);
  await node.stop();
  await alterBody(node.dataDir, _id, { lastName: 'Eze-Altered' });
  await node.start();
  const page = await operatorAt(hall);
  await page.getByRole('button', { name: 'Verify now' }).click();
  await page.getByText('1 document differs', { exact: true }).waitFor();
  await page.getByText(`${_id}: altered`).waitFor();
  const repair = page.getByRole('button', { name: 'Repair' });
  expect(await repair.isDisabled()).toBe(true);
  await unlock(page);
  await page.getByText(/Eze-Altered/).waitFor();
  await repair.click();
  await page.getByText('Yes, document for document').waitFor();
  await page.getByText(/Eze-Altered/).waitFor({ state: 'detached' });
  await page.getByText('taken out and kept').waitFor({ state: 'attached' });

  await page.getByLabel('Every', { exact: true }).click();
  await until(async () => (await node.api.request<{ mode: string }>('GET', '/api/status')).mode === 'batch', {
    what: 'the node replicates in batches',
  });
  await page.getByLabel('Only when told').click();
  await page.getByRole('button', { name: 'Set…' }).click();
  await page.getByLabel('Date and time').fill('2031-02-03T04:05:06');
  await page.getByRole('button', { name: 'Set the clock' }).click();
  await page
    .getByText(/3 Feb 2031/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Change the PIN…' }).click();
  await page.getByLabel('New PIN, six digits or more').fill('12');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page
    .getByRole('dialog')
    .getByRole('alert')
    .getByText(/digits/)
    .waitFor();
  await page.getByLabel('New PIN, six digits or more').fill('604417');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('The PIN is changed.').waitFor();
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await unlock(page);
  await page.getByText('This is not the PIN.').waitFor();
});
