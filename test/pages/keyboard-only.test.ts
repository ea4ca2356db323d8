import { expect, test } from 'vitest';
import { pressKeyAt } from './accessibility.ts';
import { begin, choicesAre, hallOfAll, openHall, saved } from './hall.ts';

const inHall = hallOfAll(() => openHall({ settings: { shuffleAnswers: true } }));

test('the whole exam by keyboard alone: letters choose what is shown at their place', async () => {
  const hall = inHall();
  const page = await hall.examAt(await hall.seat());
  const { room } = hall;
  const candidate = hall.nextCandidate();
  await page.getByLabel('Access code').waitFor();
  await page.keyboard.type(candidate.accessCode);
  await page.keyboard.press('Enter');
  await pressKeyAt(page, /^This is me/);
  await page.getByRole('heading', { name: 'Question 1 of 6' }).waitFor();
  const view = await room.enter(candidate);
  const options = view.questions!.map((question) => question.options.map(({ option }) => option));

  await page.keyboard.press('b');
  await pressKeyAt(page, /^⚑ Flag$/);
  // Whoever types faster than the page is drawn answers the question that is shown next, not the one before.
  await page.keyboard.press('PageDown');
  await page.keyboard.press('C');
  await saved(page).waitFor();
  await choicesAre(hall, page, [options[0]![1]!, options[1]![2]!]);
  await pressKeyAt(page, /^Question 5 of 6/);
  await page.getByRole('heading', { name: 'Question 5 of 6' }).waitFor();
  await page.getByRole('radio').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await choicesAre(hall, page, [options[0]![1]!, options[1]![2]!, null, null, options[4]![2]!]);

  await pressKeyAt(page, /^Finish…$/);
  await page.getByText('3 questions are not answered').waitFor();
  await page.getByText('1 question is flagged').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Finish…');
  await page.keyboard.press('Enter');
  await pressKeyAt(page, /^Submit now$/);
  await page.getByRole('heading', { name: 'Your answers are submitted' }).waitFor();
});

test('what has the focus is never behind what stays in sight, on a low screen', async () => {
  const hall = inHall();
  const page = await hall.examAt(await hall.seat({ width: 390, height: 480 }));
  await begin(page, hall.nextCandidate());
  await page.getByRole('radio').first().focus();
  const next = page.getByRole('button', { name: 'Take back my answer' });
  // Where the browser takes it for seen: on the screen, below the bar at the foot of it.
  await next.evaluate((element) => scrollBy(0, element.getBoundingClientRect().bottom - innerHeight + 4));
  await page.keyboard.press('Tab');
  const isSeen = await next.evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    const shown = document.elementFromPoint(left + width / 2, top + height / 2);
    return element === document.activeElement && element.contains(shown);
  });
  expect(isSeen).toBe(true);
  // What stays in sight itself moves nothing.
  await page.evaluate(() => scrollTo(0, 0));
  await page.getByRole('button', { name: 'Finish…' }).focus();
  expect(await page.evaluate(() => scrollY)).toBe(0);
});

test('letters choose nothing when they are switched off, nor together with Ctrl', async () => {
  const hall = inHall();
  const candidate = hall.nextCandidate();
  const page = await hall.examAt(await hall.seat());
  await page.getByLabel('Access code').fill(candidate.accessCode);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^This is me/ }).click();
  await page.keyboard.press('Control+b');
  await page.getByLabel(/Choose with the keys A to D/).uncheck();
  await page.keyboard.press('b');
  expect(await page.getByRole('radio', { checked: true }).count()).toBe(0);
  await page.getByLabel(/Choose with the keys A to D/).check();
  await page.keyboard.press('b');
  await saved(page).waitFor();
  const { questions = [] } = await hall.room.enter(candidate);
  await choicesAre(hall, page, [questions[0]?.options[1]?.option ?? null]);
});
