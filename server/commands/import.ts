import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { ApiClient } from '../../replication/api-client.ts';
import { type ErrorCode, SyncError } from '../../replication/errors.ts';
import { boundHeap } from '../../replication/heap.ts';
import { createProgress, type Progress, type ProgressStream } from '../../replication/progress.ts';
import { type CsvFile, findCsvFiles, readFiles } from '../ingest/csv/files.ts';
import type { Entry, Fault, Note } from '../ingest/entries.ts';
import type { ImportCounts } from '../ingest/run.ts';
import { withServerApi } from './api.ts';

interface ImportFlags {
  strict?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** A line of the server's answer. */
type AnswerLine =
  | { fault: Fault }
  | { note: Note }
  | { progress: ImportCounts }
  | { counts: ImportCounts }
  | { error: ErrorCode; reason: string };

/** How many bytes of lines one chunk of the request holds. */
const CHUNK_CHARACTERS = 64 * 1024;

/** `cbt-server import <folder|file>…`: reads the files here, and has the server check and write them. */
export function addImportCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  log: ProgressStream = process.stderr,
): void {
  program
    .command('import')
    .description('import an authority’s CSV exports; a second run writes nothing')
    .argument('<paths...>', 'CSV files, or folders of them')
    .option('--strict', 'write nothing if anything is wrong')
    .option('--dry-run', 'write nothing, tell what would be written')
    .option('--json', 'print the counts as JSON')
    .addHelpText('after', HELP)
    .action(async (paths: string[], flags: ImportFlags) => {
      boundHeap();
      const files = await findCsvFiles(paths);
      const counts = await withServerApi(env, (api) => importFiles(api, files, flags, log));
      print(flags.json ? JSON.stringify(counts) : summaryOf(counts, flags));
      if (counts.refused > 0) process.exitCode = 1;
    });
}

const HELP = `
A file’s form is told by its header: subjects, centers, tests, questions, test-questions, test-centers, students,
enrollments. Files are read in this order. Each bad row is reported with file, line, field and reason, and the others
go in. Exits 1 if there was a bad row.`;

/** Sends the files through the API and reports what comes back, while it comes. */
async function importFiles(
  api: ApiClient,
  files: readonly CsvFile[],
  flags: ImportFlags,
  log: ProgressStream,
): Promise<ImportCounts> {
  const query = `dryRun=${flags.dryRun === true}&strict=${flags.strict === true}`;
  const response = await api.open(`/api/import?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(chunksOf(readFiles(files)))) as ReadableStream,
    duplex: 'half',
  });
  const total = files.reduce((sum, { lines }) => sum + lines, 0);
  return report(response, createProgress(log, 'rows'), total);
}

async function report(response: Response, progress: Progress, total: number): Promise<ImportCounts> {
  for await (const line of linesOf(response)) {
    if ('fault' in line) progress.print(faultLine(line.fault));
    if ('progress' in line) progress.update(line.progress.lines, total);
    if ('note' in line) progress.print(`${line.note.file}: ${line.note.note}`);
    if ('reason' in line) throw new SyncError(line.error, line.reason);
    if ('counts' in line) {
      progress.end();
      return line.counts;
    }
  }
  throw new SyncError('unreachable', 'the server broke off the import: import again');
}

function faultLine({ file, line, field, reason }: Fault): string {
  return [file ?? 'line', line, ...(field ? [` ${field}`] : []), ` ${reason}`].join(':');
}

async function* chunksOf(entries: AsyncIterable<Entry>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const entry of entries) {
    text += `${JSON.stringify(entry)}\n`;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text) yield Buffer.from(text);
}

async function* linesOf(response: Response): AsyncGenerator<AnswerLine> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as AnswerLine;
  }
}

function summaryOf(counts: ImportCounts, { dryRun, strict }: ImportFlags): string {
  const number = (count: number) => count.toLocaleString('en-US');
  const { lines, written, unchanged, deleted, refused } = counts;
  const rows = `${number(lines)} rows, ${number(refused)} refused`;
  if (strict && !dryRun && refused > 0) return `${rows}: nothing was written (--strict)`;
  const would = dryRun ? 'would be ' : '';
  return `${rows}; documents: ${number(written)} ${would}written, ${number(unchanged)} unchanged, ${number(deleted)} ${would}deleted`;
}
