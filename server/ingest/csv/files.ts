import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { SyncError } from '../../../replication/errors.ts';
import type { Entry } from '../entries.ts';
import { FORM_ORDER } from './forms.ts';
import { readCsv, readForm } from './read.ts';

const LINE_FEED = 0x0a;

/** A CSV file to be read; `name` is what messages call it: its path only where another file has its name too. */
export interface CsvFile {
  path: string;
  name: string;
  /** Its line ends, header included: how long reading it will take. */
  lines: number;
}

/**
 * The CSV files of folders and files, in dependency order of their forms, then by name. A file whose form cannot be
 * told stands first, so that its fault is the first thing that is said. @throws SyncError not_found, bad_request
 */
export async function findCsvFiles(paths: readonly string[]): Promise<CsvFile[]> {
  const found = (await Promise.all(paths.map(pathsOf))).flat();
  const unique = [...new Map(found.map((path) => [resolve(path), path])).values()];
  const files: (CsvFile & { rank: number })[] = [];
  for (const path of unique) {
    const isAlone = unique.every((other) => other === path || basename(other) !== basename(path));
    const [lines, rank] = await Promise.all([countLines(path), rankOf(path)]);
    files.push({ path, name: isAlone ? basename(path) : path, lines, rank });
  }
  return files.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
}

/** Reads files as one stream of entries. */
export async function* readFiles(files: readonly CsvFile[]): AsyncGenerator<Entry> {
  for (const { path, name } of files) yield* readCsv(createReadStream(path), name);
}

async function pathsOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new SyncError('not_found', `${path}: ${error.code === 'ENOENT' ? 'no such file' : error.message}`);
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.csv'));
  if (names.length === 0) throw new SyncError('bad_request', `${path}: no CSV file in this folder`);
  return names.map((name) => join(path, name));
}

async function rankOf(path: string): Promise<number> {
  const form = await readForm(createReadStream(path));
  return form ? FORM_ORDER.indexOf(form) : -1;
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
  }
  return lines;
}
