import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from '../harness/browser.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** What axe finds against WCAG 2.2 AA on a page as it stands, one line each. */
async function barriers(page: Page): Promise<string[]> {
  const source = await readFile(AXE, 'utf8');
  // In a world of its own: the page's policy lets no script in, and need not be bent for the test.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  });
  const options = JSON.stringify({ runOnly: { type: 'tag', values: RULES }, resultTypes: ['violations'] });
  await session.send('Runtime.evaluate', { expression: source, contextId });
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, ${options}).then((results) => JSON.stringify(results))`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  const { violations } = JSON.parse(String(result.value)) as AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary?.replaceAll('\n', ' ')}`),
  );
}

/** An old PC and a phone. */
const SIZES = [
  { width: 390, height: 844 },
  { width: 1024, height: 768 },
];

/** What axe finds on a page at both sizes, and whether it runs over the edge, in either direction. It ends as on a PC. */
export async function flawsOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const size of SIZES) {
    await page.setViewportSize(size);
    // All of it at once: what stays in sight while the rest is scrolled would lie over some of it.
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ ...size, height });
    found.push(...(await barriers(page)).map((barrier) => `${size.width}: ${barrier}`));
    await page.setViewportSize(size);
    for (const direction of ['rtl', 'ltr']) {
      const over = await page.evaluate((dir) => {
        document.documentElement.dir = dir;
        return document.documentElement.scrollWidth - innerWidth;
      }, direction);
      if (over > 0) found.push(`${size.width}, ${direction}: ${over} pixels wider than the screen`);
    }
  }
  return found;
}

/** Tab until the focus is on what is called so, then Enter. */
export async function pressKeyAt(page: Page, name: RegExp): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

/** Tab until the focus is on what is called so. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let tabs = 0; tabs < 60; tabs += 1) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement;
      const named = element.labels?.[0] ?? element;
      return element.getAttribute('aria-label') ?? named.textContent ?? '';
    });
    if (name.test(focused.trim())) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no focus comes to ${name}`);
}
