import { vi } from 'vitest';
import { type Browser, type BrowserOptions, type Page, startBrowser } from '../harness/browser.ts';
import type { RunningServer } from '../harness/server.ts';

/** A server, nodes and a browser take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** An administrator's browser, signed in at a server. */
export async function signIn(
  server: RunningServer,
  options?: BrowserOptions,
): Promise<{ browser: Browser; page: Page }> {
  const browser = await startBrowser(options);
  const page = await browser.open(`${server.url}/`);
  await page.getByLabel('Admin token').fill(server.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Centers and tests' }).waitFor();
  return { browser, page };
}

/** Goes to a section, as by its link. */
export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}
