import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SyncError } from './errors.ts';
import type { ReadPage } from './page-worker.ts';

/** One file of a page, as it goes to browsers. */
export interface PageFile {
  type: string;
  body: Uint8Array;
  gzip: Uint8Array;
}

/** A page: its HTML, and the files that it is made of, by their paths. */
export interface Page {
  html: PageFile;
  files: ReadonlyMap<string, PageFile>;
}

/** An answer over HTTP to a request for a page or one of its files. */
export interface PageAnswer {
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Sent with all that a page asks: whoever answers knows that a script waits, and no window of the browser. */
export const PAGE_HEADER = 'x-cbt-page';

/** No script, style or picture that this server has not, and none that stands in the HTML itself. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  vary: 'accept, accept-encoding',
};

/**
 * Reads a page: what its HTML names, and what that imports, and nothing else. Modules are TypeScript and lose their
 * types as the project's own files do when Node runs them. That takes a while, so it is done beside the event loop.
 * @param html the page's HTML; a path that begins with `/` in it is one of the repository.
 * @param base the path under which its files are asked for.
 */
export async function readPage(html: URL, base: string): Promise<Page> {
  const wanted: ReadPage = { html: html.href, base };
  const worker = new Worker(new URL('./page-worker.ts', import.meta.url), {
    workerData: wanted,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const [page] = (await once(worker, 'message')) as [{ html: PageFile; files: [string, PageFile][] }];
  return { html: page.html, files: new Map(page.files) };
}

/** A page as browsers ask for it; read once, when it is first needed. */
export interface ServedPage {
  /** Reads the page before anybody asks for it. */
  prepare(): Promise<unknown>;
  /** The page itself; it is asked for again each time, and names its files by what they hold. */
  html(acceptEncoding: string | undefined): Promise<PageAnswer>;
  /** A file of it, which never changes under its path. @throws SyncError not_found. */
  file(path: string, acceptEncoding: string | undefined): Promise<PageAnswer>;
}

/** As `readPage`. */
export function servePage(html: URL, base: string): ServedPage {
  let reading: Promise<Page> | undefined;
  const page = () => {
    reading ??= readPage(html, base);
    return reading;
  };
  return {
    prepare: page,
    html: async (acceptEncoding) => answer((await page()).html, acceptEncoding, 'no-cache'),
    async file(path, acceptEncoding) {
      const file = (await page()).files.get(path);
      if (!file) throw new SyncError('not_found', `there is no file ${path}`);
      return answer(file, acceptEncoding, 'public, max-age=31536000, immutable');
    },
  };
}

function answer(file: PageFile, acceptEncoding: string | undefined, cacheControl: string): PageAnswer {
  const headers = { ...HEADERS, 'content-type': file.type, 'cache-control': cacheControl };
  if (!acceptEncoding?.includes('gzip')) return { headers, body: file.body };
  return { headers: { ...headers, 'content-encoding': 'gzip' }, body: file.gzip };
}
