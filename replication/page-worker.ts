import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import type { PageFile } from './page-files.ts';

/** What a worker is asked for. */
export interface ReadPage {
  html: string;
  base: string;
}

const ROOT = new URL('../', import.meta.url);

/** The packages that pages may import, and the file of each that browsers get. */
const PACKAGES: Readonly<Record<string, string>> = {
  preact: 'node_modules/preact/dist/preact.mjs',
  'preact/hooks': 'node_modules/preact/hooks/dist/hooks.mjs',
  htm: 'node_modules/htm/dist/htm.module.js',
  uplot: 'node_modules/uplot/dist/uPlot.esm.js',
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const SCRIPT = 'text/javascript; charset=utf-8';

/** `from '…'`, `from"…"` of an import or export; and `import '…'`. */
const SPECIFIER = /\b(from|import)(\s*)(["'])([^"'\n]+)\3/g;
const SOURCE_MAP = /\n\/\/# sourceMappingURL=.*\s*$/;
/** What HTML names: paths of the repository. */
const NAMED = /\b(src|href)="\/([^"]+)"/g;

parentPort?.postMessage(await readPage(workerData as ReadPage));

async function readPage({ html, base }: ReadPage): Promise<{ html: PageFile; files: [string, PageFile][] }> {
  const text = await readFile(fileURLToPath(html), 'utf8');
  const sources = new Map<string, string>();
  for (const [, , path = ''] of text.matchAll(NAMED)) await collect(path, sources);
  const version = createHash('sha256')
    .update(JSON.stringify([...sources]))
    .digest('base64url')
    .slice(0, 16);
  const folder = `${base}/${version}/`;
  const files = [...sources].map(([path, source]): [string, PageFile] => [
    `${version}/${path}`,
    fileOf(
      path,
      source.replace(SPECIFIER, (whole, ...parts) => inFolder(folder, whole, parts)),
    ),
  ]);
  const shown = text.replace(NAMED, (_, name, path) => `${name}="${folder}${path}"`);
  const preloads = [...sources.keys()].filter(isScript).map((path) => preload(folder + path));
  return { html: fileOf('index.html', shown.replace('</head>', `${preloads.join('')}</head>`)), files };
}

/** A file, and all that it imports. */
async function collect(path: string, sources: Map<string, string>): Promise<void> {
  if (sources.has(path)) return;
  const text = await readFile(new URL(path, ROOT), 'utf8');
  const source = path.endsWith('.ts') ? stripTypeScriptTypes(text) : text.replace(SOURCE_MAP, '');
  sources.set(path, isScript(path) ? compact(source) : source);
  if (!isScript(path)) return;
  for (const [, , , , specifier = ''] of source.matchAll(SPECIFIER)) {
    const imported =
      PACKAGES[specifier] ?? (specifier.startsWith('.') ? resolve(specifier, path) : undefined);
    if (imported === undefined) throw new Error(`${path} imports ${specifier}, which pages may not have`);
    await collect(imported, sources);
  }
}

/** Types leave blanks where they stood. */
function compact(source: string): string {
  return source.replace(/[ \t]+$/gm, '').replace(/\n{2,}/g, '\n');
}

function resolve(specifier: string, importer: string): string {
  return new URL(specifier, new URL(importer, 'file:///')).pathname.slice(1);
}

/** Packages are imported by name, which a browser cannot find; all other specifiers are right as they are. */
function inFolder(folder: string, whole: string, [word, space, quote, specifier]: string[]): string {
  const file = PACKAGES[specifier ?? ''];
  return file === undefined ? whole : `${word}${space}${quote}${folder}${file}${quote}`;
}

function fileOf(path: string, text: string): PageFile {
  const body = new TextEncoder().encode(text);
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? SCRIPT;
  return { type, body, gzip: Uint8Array.from(gzipSync(body, { level: 9 })) };
}

function isScript(path: string): boolean {
  return /\.(ts|mjs|js)$/.test(path);
}

function preload(path: string): string {
  return `<link rel="modulepreload" href="${path}">\n`;
}
