import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { begin, hallOfAll, saved, startHall, submit } from './hall.ts';

const inHall = hallOfAll(() =>
  startHall({
    settings: { shuffleQuestions: true, shuffleAnswers: true },
    env: { HOST: '0.0.0.0' },
  }),
);

test('no answer key, no score and nothing of another candidate ever reaches the browser', async () => {
  const hall = inHall();
  const [own, other] = [hall.nextCandidate(), hall.nextCandidate()];
  const browser = await hall.seat({ listen: true });
  const page = await hall.examAt(browser);
  await begin(page, own);
  for (const key of ['a', 'b', 'c']) {
    await page.keyboard.press(key);
    await saved(page).waitFor();
    await page.keyboard.press('PageDown');
  }
  await browser.received();
  await page.reload();
  await saved(page).waitFor();
  await submit(page);

  const received = await browser.received();
  const data = received.filter(({ url }) => url.includes('/api/'));
  expect(data.length).toBeGreaterThan(6);
  const wire = received.map(({ url, text }) => `${url}\n${text}`).join('\n');
  const student = `2026${other.enrollmentId.slice(1)}`;
  for (const secret of [
    'correctOption',
    'outcomes',
    'passingScore',
    other.enrollmentId,
    other.accessCode,
    student,
  ]) {
    expect({ secret, isThere: wire.includes(secret) }).toEqual({ secret, isThere: false });
  }
  expect(data.map(({ text }) => text).join()).not.toMatch(/"(score|email|phone|dateOfBirth|difficulty)"/);
  const origins = new Set(received.map(({ url }) => new URL(url).origin));
  expect([...origins]).toEqual([hall.room.node.url]);
});

test('from another machine the candidate’s page opens, and the operator’s does not', async () => {
  const hall = inHall();
  const address = Object.values(networkInterfaces())
    .flat()
    .find((known) => known && !known.internal && known.family === 'IPv4')?.address;
  const base = `http://${address}:${new URL(hall.room.node.url).port}`;
  const browser = await hall.seat();
  const page = await browser.open(`${base}/exam`);
  await begin(page, hall.nextCandidate());
  await page.keyboard.press('a');
  await saved(page).waitFor();
  const operator = await (await fetch(`${hall.room.node.url}/`)).text();
  const script = /src="([^"]+operator\/main\.ts)"/.exec(operator)?.[1];
  for (const path of [
    '/',
    script,
    '/api/tests',
    '/api/operator/candidates?test=SCI-P1',
    '/api/operator/log',
  ]) {
    expect([path, (await fetch(base + path)).status]).toEqual([path, 401]);
  }
});
