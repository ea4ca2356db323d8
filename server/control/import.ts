import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SyncError } from '../../replication/errors.ts';
import { readCsv } from '../ingest/csv/read.ts';
import type { Entry } from '../ingest/entries.ts';
import { readNdjson } from '../ingest/ndjson.ts';
import { type ImportCounts, type ImportEvent, importEntries } from '../ingest/run.ts';
import type { ServerParts } from '../parts.ts';

export interface ImportOptions {
  /** Writes nothing, tells what would be written. */
  dryRun: boolean;
  /** Writes nothing if anything is wrong. */
  strict: boolean;
}

/** What is imported: NDJSON entries, or one CSV file under the name that messages call it. */
export type Upload = { body: Readable; format: 'ndjson' } | { body: Readable; format: 'csv'; file: string };

/** Brings uploads into the hub, one at a time. */
export interface Importer {
  /** @throws SyncError conflict while another import runs. */
  run(upload: Upload, options: ImportOptions): AsyncGenerator<ImportEvent, ImportCounts>;
}

/** Holds an upload that must be read twice; an import that was killed leaves it to be overwritten. */
const SPOOL_FILE = 'import.upload';

/** A server that stops breaks an import off between two batches; it can be repeated. */
export function createImporter({
  hub,
  store,
  config,
  stopping,
  importing,
}: Pick<ServerParts, 'hub' | 'store' | 'config' | 'stopping' | 'importing'>): Importer {
  let running = false;

  function entriesOf(upload: Upload, body: Readable): AsyncIterable<Entry> {
    return upload.format === 'csv' ? readCsv(body, upload.file) : readNdjson(body);
  }

  /** Reads the upload twice: nobody knows that nothing is wrong before the last line has been read. */
  async function* runStrict(upload: Upload): AsyncGenerator<ImportEvent, ImportCounts> {
    const spool = join(config.dataDir, SPOOL_FILE);
    try {
      await pipeline(upload.body, createWriteStream(spool, { mode: 0o600 }));
      const rehearsal = importEntries({ hub, store }, entriesOf(upload, createReadStream(spool)), {
        dry: true,
      });
      const expected = yield* rehearsal;
      if (expected.refused > 0) return { ...expected, written: 0, unchanged: 0, deleted: 0 };
      const entries = withoutNotes(entriesOf(upload, createReadStream(spool)));
      return yield* importEntries({ hub, store }, entries, { dry: false });
    } finally {
      await rm(spool, { force: true });
    }
  }

  return {
    async *run(upload, { dryRun, strict }) {
      if (running) throw new SyncError('conflict', 'another import is running: try again when it has ended');
      running = true;
      const endTurn = await takeTurn(importing);
      addAbortSignal(stopping, upload.body);
      try {
        if (strict && !dryRun) return yield* runStrict(upload);
        return yield* importEntries({ hub, store }, entriesOf(upload, upload.body), { dry: dryRun });
      } finally {
        endTurn();
        running = false;
      }
    },
  };
}

/** Waits for a turn, which lasts until the answer is called. */
function takeTurn(inTurn: ServerParts['importing']): Promise<() => void> {
  return new Promise((taken) => void inTurn(() => new Promise<void>((ended) => taken(ended))));
}

/** Notes were told when the upload was read for the first time. */
async function* withoutNotes(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  for await (const entry of entries) if (!('note' in entry)) yield entry;
}
