import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { StoredDocument } from '../../replication/documents.ts';
import { openControlStore } from '../../server/control/store.ts';
import { type Hub, openHub } from '../../server/hub.ts';
import { findCsvFiles, readFiles } from '../../server/ingest/csv/files.ts';
import type { Entry, Fault, Note } from '../../server/ingest/entries.ts';
import { readNdjson } from '../../server/ingest/ndjson.ts';
import { type ImportCounts, importEntries } from '../../server/ingest/run.ts';
import { tempFolder } from '../harness/temp-folder.ts';

export const SAMPLE_EXAM = new URL('../sample-exam/', import.meta.url).pathname;
/** The large sample exports, where the repository stands beside them. */
export const SHARED_DATA = new URL('../../../shared/data/', import.meta.url).pathname;
export const HAS_SHARED_DATA = existsSync(SHARED_DATA);

export interface Report {
  counts: ImportCounts;
  faults: Fault[];
  notes: Note[];
}

/** A hub and an import into it, in a fresh folder. */
export interface ImportParts extends AsyncDisposable {
  readonly hub: Hub;
  /** A folder of CSV files, at first the sample exam. */
  readonly folder: string;
  readonly dataDir: string;
  /** Imports files and folders, by default the folder. */
  importFiles(paths?: string[], options?: { dry?: boolean; hub?: Hub }): Promise<Report>;
  importDocuments(docs: readonly unknown[]): Promise<Report>;
  /** Imports entries, and is killed after so many batches have been written. */
  importInterrupted(paths: string[], batches: number): Promise<void>;
  /** Puts another text in the place of one in a file of the folder. */
  edit(file: string, from: string, to: string): Promise<void>;
  write(file: string, content: string, encoding?: BufferEncoding): Promise<string>;
  /** The live document. */
  read(id: string): Promise<StoredDocument | undefined>;
  /** The ids of all live documents but design documents, sorted. */
  ids(): Promise<string[]>;
  updateSeq(): Promise<number | string>;
}

export async function openImport(): Promise<ImportParts> {
  const temp = await tempFolder('cbt-import');
  const dataDir = join(temp.path, 'data');
  const folder = join(temp.path, 'exports');
  await mkdir(dataDir);
  await cp(SAMPLE_EXAM, folder, { recursive: true });
  const hub = await openHub({ dataDir, hubUrl: undefined });
  const store = await openControlStore(dataDir);

  async function report(
    entries: AsyncIterable<Entry>,
    options: { dry?: boolean; hub?: Hub } = {},
  ): Promise<Report> {
    const faults: Fault[] = [];
    const notes: Note[] = [];
    const parts = { hub: options.hub ?? hub, store };
    const events = importEntries(parts, entries, { dry: options.dry === true });
    for (;;) {
      const next = await events.next();
      if (next.done) return { counts: next.value, faults, notes };
      if ('fault' in next.value) faults.push(next.value.fault);
      if ('note' in next.value) notes.push(next.value.note);
    }
  }

  return {
    hub,
    folder,
    dataDir,
    importFiles: async (paths = [folder], options = {}) =>
      report(readFiles(await findCsvFiles(paths)), options),
    importDocuments: (docs) =>
      report(readNdjson(Readable.from([Buffer.from(docs.map((doc) => JSON.stringify(doc)).join('\n'))]))),
    async importInterrupted(paths, batches) {
      const events = importEntries({ hub, store }, readFiles(await findCsvFiles(paths)), { dry: false });
      for (let written = 0; written < batches; ) {
        const next = await events.next();
        if (next.done) throw new Error('the import ended before it was to be interrupted');
        if ('progress' in next.value) written += 1;
      }
      await events.return({ lines: 0, written: 0, unchanged: 0, deleted: 0, refused: 0 });
    },
    async edit(file, from, to) {
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`);
      await writeFile(path, text.replace(from, to));
    },
    async write(file, content, encoding = 'utf8') {
      const path = join(folder, file);
      await writeFile(path, content, encoding);
      return path;
    },
    read: (id) =>
      hub.db.get(id).then(
        (doc) => doc as StoredDocument,
        (error: { status?: number }) => {
          if (error.status !== 404) throw error;
          return undefined;
        },
      ),
    async ids() {
      const { rows } = await hub.db.allDocs();
      return rows.map(({ id }) => id).filter((id) => !id.startsWith('_design/'));
    },
    updateSeq: async () => (await hub.db.info()).update_seq,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** What a report's faults say, in one line each. */
export function faultLines({ faults }: Report): string[] {
  return faults.map(({ file, line, field, reason }) => `${file ?? ''}:${line}:${field}: ${reason}`);
}
