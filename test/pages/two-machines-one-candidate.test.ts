import { expect, test } from 'vitest';
import { begin, choicesAre, hallOfAll, openHall, saved, sessionIn, submit } from './hall.ts';

const inHall = hallOfAll(() => openHall({ settings: { shuffleQuestions: false } }));

test('a candidate goes on at another machine, and both see what was answered last', async () => {
  const hall = inHall();
  const [first, second] = [await hall.examAt(await hall.seat()), await hall.examAt(await hall.seat())];
  const candidate = hall.nextCandidate();
  await begin(first, candidate);
  await first.keyboard.press('a');
  await saved(first).waitFor();

  await second.getByLabel('Access code').fill(candidate.accessCode);
  await second.keyboard.press('Enter');
  await second.getByText('You have begun already.').waitFor();
  await second.getByRole('button', { name: 'This is me. Go on' }).click();
  await second.getByRole('heading', { name: 'Question 1 of 6' }).waitFor();
  expect(await second.getByRole('radio').first().isChecked()).toBe(true);
  expect(await sessionIn(second)).toBe(await sessionIn(first));

  // The first machine does not know of the second one's saves: the same number comes twice.
  await second.keyboard.press('b');
  await saved(second).waitFor();
  await first.keyboard.press('c');
  await saved(first).waitFor();
  await choicesAre(hall, first, ['C']);

  await submit(second);
  await first.keyboard.press('d');
  await first.getByRole('heading', { name: 'Your answers are submitted' }).waitFor();
  await first.getByText(/1 answer had not reached the exam server/).waitFor();
});

test('a later answer of another machine shows on the one that was late', async () => {
  const hall = inHall();
  const page = await hall.examAt(await hall.seat());
  await begin(page, hall.nextCandidate());
  const questionId = String(hall.room.questions[0]?.questionId);
  const path = `/api/sessions/${await sessionIn(page)}/answers/${questionId}`;
  await hall.room.ask('PUT', path, { choice: 'D', n: 7 });
  await page.keyboard.press('a');
  await page.getByRole('radio').nth(3).isChecked();
  await choicesAre(hall, page, ['D']);
});
