import { expect, test } from 'vitest';
import { startBrowser } from '../harness/browser.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { begin, choicesAre, hallOfAll, saved, startHall, submit } from './hall.ts';

const inHall = hallOfAll(() => startHall({ candidates: 4 }));

test('the node dies in the middle: the candidate works on, and nothing is lost', async () => {
  const hall = inHall();
  const browser = await hall.seat();
  const page = await hall.examAt(browser);
  await begin(page, hall.nextCandidate());
  await page.keyboard.press('a');
  await saved(page).waitFor();

  await hall.room.node.kill();
  await page.keyboard.press('b');
  await page.getByText(/does not answer at the moment/).waitFor();
  expect(await saved(page).count()).toBe(0);
  await page.getByText('Not saved yet').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.keyboard.press('c');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.keyboard.press('d');
  await page.getByText(/3 answers are kept on this computer/).waitFor();

  await hall.room.node.start();
  await saved(page).waitFor();
  expect(await page.getByText(/does not answer/).count()).toBe(0);
  await choicesAre(hall, page, ['B', 'C', 'D', null]);
  await submit(page);
  expect(browser.faults).toEqual([]);
});

test('the browser crashes while the node is down: what was not acknowledged is sent by the next one', async () => {
  const hall = inHall();
  await using profile = await tempFolder('chromium-kept');
  {
    await using browser = await startBrowser({ profile: profile.path });
    const page = await hall.examAt(browser);
    await begin(page, hall.nextCandidate());
    await page.getByRole('button', { name: 'Next' }).click();
    await hall.room.node.kill();
    await page.keyboard.press('d');
    await page.getByText(/1 answer is kept on this computer/).waitFor();
    await browser.crash();
  }
  await hall.room.node.start();
  await using browser = await startBrowser({ profile: profile.path });
  const page = await hall.examAt(browser);
  await page.getByRole('heading', { name: 'Question 2 of 6' }).waitFor();
  expect(await page.getByRole('radio', { checked: true }).count()).toBe(1);
  await saved(page).waitFor();
  await choicesAre(hall, page, [null, 'D']);
});

test('a page that is loaded again while the node is down goes on when it is there', async () => {
  const hall = inHall();
  const page = await hall.examAt(await hall.seat());
  await begin(page, hall.nextCandidate());
  await page.keyboard.press('a');
  await saved(page).waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page.reload();
  await page.getByText(/It is tried again/).waitFor();
  await page.unroute('**/api/**');
  await page.getByRole('heading', { name: 'Question 1 of 6' }).waitFor();
  await saved(page).waitFor();
});

test('an answer that is refused for want of disk space is not called saved, and is sent again', async () => {
  const hall = inHall();
  const page = await hall.examAt(await hall.seat());
  await begin(page, hall.nextCandidate());
  const full = { status: 507, json: { error: 'insufficient_storage', reason: 'the disk is full' } };
  await page.route('**/answers/**', (route) => route.fulfill(full));
  await page.keyboard.press('a');
  await page.getByText(/cannot save at the moment/).waitFor();
  expect(await saved(page).count()).toBe(0);
  await page.unroute('**/answers/**');
  await saved(page).waitFor();
  await choicesAre(hall, page, ['A']);
});
