import { expect, test } from 'vitest';
import { TEST } from '../exam/room.ts';
import { questionDocument } from '../harness/documents.ts';
import { begin, hallOfAll, openHall } from './hall.ts';

const ATTACK = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

const inHall = hallOfAll(() => openHall());

test('markup in a question, an option or a title is shown as text and does nothing', async () => {
  const hall = inHall();
  const question = {
    ...questionDocument(TEST, 1),
    text: ATTACK,
    options: { A: ATTACK, B: '</label><b>bold</b>', C: '{{1+1}}', D: '&amp;' },
  };
  await hall.room.server.importDocuments([question]);
  await hall.room.node.replicate();
  const browser = await hall.seat();
  const page = await hall.examAt(browser);
  await begin(page, hall.nextCandidate());
  expect(await page.locator('legend').textContent()).toBe(ATTACK);
  const shown = await page.locator('.option .written').allTextContents();
  expect(shown).toEqual([ATTACK, '</label><b>bold</b>', '{{1+1}}', '&amp;']);
  expect(await page.locator('#page img, #page script, #page b').count()).toBe(0);
  expect(await page.title()).toMatch(/^Paper/);
  expect(browser.faults).toEqual([]);
});

test('the page lets no script run that the node does not serve', async () => {
  const hall = inHall();
  const browser = await hall.seat();
  const page = await hall.examAt(browser);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "taken"';
    document.head.append(script);
  });
  expect(await page.title()).not.toBe('taken');
  expect(browser.faults.join()).toMatch(/Content Security Policy/);
  for (const path of ['/exam', '/']) {
    const { headers } = await fetch(hall.room.node.url + path);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
  }
});
