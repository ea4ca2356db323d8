import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium } from '../browser/found.ts';
import { tempFolder } from './temp-folder.ts';

export type { Page };

/** One person's browser: a Chromium with a profile of its own, closed when its scope ends. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** A window of it. What goes wrong in it, and what it asks of any other server, is kept. */
  open(url: string): Promise<Page>;
  /** Ends it without a chance to save anything. */
  crash(): Promise<void>;
  /** Errors of its scripts, and of its security policy. */
  readonly faults: readonly string[];
  /** The bodies of all that its servers have answered with so far, by URL. Chromium forgets them when a page goes. */
  received(): Promise<readonly { url: string; text: string }[]>;
}

export interface BrowserOptions {
  width?: number;
  height?: number;
  language?: string;
  /** The folder of its profile; default: one that is gone with it. */
  profile?: string;
  /** Every answer is kept in `received`. */
  listen?: boolean;
}

/** What keeps Chromium from asking anything of the internet, and lets root run it. */
const ARGS = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-dev-shm-usage',
];
const PATIENCE_MS = 30_000;

/** A Chromium in which several people have each a browser of their own; nothing is kept of what they do. */
export interface Chromium extends AsyncDisposable {
  browser(options?: Omit<BrowserOptions, 'profile'>): Promise<Browser>;
}

export async function startChromium(): Promise<Chromium> {
  const started = await chromium.launch({ executablePath: executable(), args: ARGS });
  return {
    browser: async (options = {}) => browserIn(await started.newContext(viewOf(options)), options),
    [Symbol.asyncDispose]: () => started.close(),
  };
}

export async function startBrowser(options: BrowserOptions = {}): Promise<Browser> {
  await using starting = new AsyncDisposableStack();
  const profile = options.profile ?? starting.use(await tempFolder('chromium')).path;
  const launch = { executablePath: executable(), args: ARGS, ...viewOf(options) };
  const context = await chromium.launchPersistentContext(profile, launch);
  const browser = starting.use(browserIn(context, options));
  const started = starting.move();
  return { ...browser, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function executable(): string {
  const path = findChromium();
  if (!path) throw new Error('there is no Chromium: run "node test/browser/setup.ts"');
  return path;
}

function viewOf({ width = 1024, height = 768, language = 'en-GB' }: BrowserOptions) {
  return { locale: language, viewport: { width, height }, timezoneId: 'Africa/Lagos' };
}

function browserIn(context: BrowserContext, { listen = false }: BrowserOptions): Browser {
  const closed = new Promise<void>((resolve) => context.once('close', () => resolve()));
  context.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  const received: { url: string; text: string }[] = [];
  const arriving: Promise<unknown>[] = [];
  if (listen) {
    context.on('response', (response) => {
      const keep = (text: string) => received.push({ url: response.url(), text });
      arriving.push(response.text().then(keep, () => {}));
    });
  }
  return {
    context,
    faults,
    async received() {
      await Promise.all(arriving);
      return received;
    },
    async crash() {
      const session = await context.browser()?.newBrowserCDPSession();
      const processes = (await session?.send('SystemInfo.getProcessInfo'))?.processInfo ?? [];
      const { id } = processes.find(({ type }) => type === 'browser') as { id: number };
      process.kill(id, 'SIGKILL');
      await closed;
    },
    async open(url) {
      const page = await context.newPage();
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        const text = message.text();
        if (message.type() === 'error' && !text.startsWith('Failed to load resource')) faults.push(text);
      });
      await page.goto(url);
      return page;
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}
