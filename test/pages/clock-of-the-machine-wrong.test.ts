import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { begin, hallOfAll, openHall, saved, sessionIn } from './hall.ts';

const inHall = hallOfAll(() => openHall({ durationMinutes: 30 }));
const YEAR_MS = 365 * 24 * 3_600_000;

test('a machine whose clock is a year off shows the node’s time, and goes by it when its clock jumps', async () => {
  const hall = inHall();
  const browser = await hall.seat();
  await browser.context.addInitScript((offset) => {
    const now = Date.now.bind(Date);
    const shift = { ms: offset };
    Object.assign(window, { shift });
    Date.now = () => now() + shift.ms;
  }, YEAR_MS);
  const page = await hall.examAt(browser);
  await begin(page, hall.nextCandidate());
  const left = async () => (await page.getByRole('timer').textContent()) ?? '';
  expect(await left()).toMatch(/^(30:00|29:\d\d)$/);
  await page.evaluate(() => Object.assign((window as unknown as { shift: object }).shift, { ms: 0 }));
  await page.keyboard.press('a');
  await saved(page).waitFor();
  expect(await left()).toMatch(/^(30:00|29:\d\d)$/);
});

test('extra time shows by itself, and the end by the operator too', async () => {
  const hall = inHall();
  const seat = await hall.seat();
  await seat.context.clock.install();
  const page = await hall.examAt(seat);
  await begin(page, hall.nextCandidate());
  const askedAgain = () => page.clock.fastForward(10_000);
  const { api } = hall.room.node;
  await api.request('POST', '/api/operator/extra-time', { minutes: 10, reason: 'power cut' });
  await askedAgain();
  await until(async () => /^39:/.test((await page.getByRole('timer').textContent()) ?? ''), {
    what: 'the page shows the extra minutes',
  });
  await api.request('POST', `/api/operator/sessions/${await sessionIn(page)}/submit`);
  await askedAgain();
  await page.getByText('The supervisor has submitted for you.').waitFor({ timeout: 20_000 });
});

test('when the time is up the page says so, and shows what the node has submitted', async () => {
  await using hall = await openHall({ durationMinutes: 8 / 60 });
  const page = await hall.examAt(await hall.seat());
  await begin(page, hall.nextCandidate());
  await page.keyboard.press('a');
  await saved(page).waitFor();
  await page.getByRole('heading', { name: 'Your answers are submitted' }).waitFor({ timeout: 20_000 });
  await page.getByText('The time was up.').waitFor();
  await page.getByRole('button', { name: 'Next candidate' }).click();
  await page.getByLabel('Access code').waitFor();
  expect(await sessionIn(page)).toBe('');
});
