import { expect, test } from 'vitest';
import { flawsOf } from './accessibility.ts';
import { begin, hallOfAll, openHall, saved } from './hall.ts';

const inHall = hallOfAll(() => openHall({ settings: { calculator: true }, questions: 20 }));

test('every screen of the exam is free of barriers on a PC and on a phone, and nothing runs over its edge', async () => {
  const hall = inHall();
  const candidate = hall.nextCandidate();
  const page = await hall.examAt(await hall.seat());
  const found: Record<string, string[]> = {};
  const look = async (screen: string) => {
    found[screen] = await flawsOf(page);
  };
  await page.getByLabel('Access code').fill('NOBODY');
  await page.keyboard.press('Enter');
  await page.getByText(/No candidate at this center/).waitFor();
  await look('code');
  await page.getByLabel('Access code').fill(candidate.accessCode);
  await page.keyboard.press('Enter');
  await page.getByText('Is this you?').waitFor();
  await look('is this you');
  await page.getByRole('button', { name: /^This is me/ }).click();
  await page.getByRole('heading', { name: 'Question 1 of 20' }).waitFor();
  await page.keyboard.press('a');
  await saved(page).waitFor();
  await page.locator('summary').click();
  await look('question');
  await page.getByRole('button', { name: 'Finish…' }).click();
  await look('finish');
  await page.keyboard.press('Escape');
  await page.route('**/api/**', (route) => route.abort());
  await page.keyboard.press('b');
  await page.getByText(/does not answer at the moment/).waitFor();
  await look('node down');
  await page.unroute('**/api/**');
  await saved(page).waitFor();
  await page.getByRole('button', { name: 'Finish…' }).click();
  await page.getByRole('button', { name: 'Submit now' }).click();
  await page.getByText('Your answers are submitted').waitFor();
  await look('end');
  const clear = Object.fromEntries(Object.keys(found).map((screen) => [screen, []]));
  expect(found).toEqual(clear);
});

test('the exam speaks the candidate’s language, and changes it without losing the place', async () => {
  const hall = inHall();
  const page = await hall.examAt(await hall.seat({ language: 'fr-SN' }));
  await page.getByRole('heading', { name: 'Saisissez votre code d’accès' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('fr');
  expect(await page.locator('html').getAttribute('dir')).toBe('ltr');
  await page.getByRole('button', { name: 'English' }).click();
  await begin(page, hall.nextCandidate());
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Français' }).click();
  await page.getByRole('heading', { name: 'Question 2 sur 20' }).waitFor();
});
