import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { Entry, Fault } from '../entries.ts';
import { type FormName, matchHeader } from './forms.ts';

/** A longer record is taken for a quote that nobody closed. */
const MAX_RECORD_BYTES = 256 * 1024;
const TOO_LONG = 'a row of more than 256 KiB, or a quote that is not closed';
/** What a decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD';
const NOT_TEXT = 'not UTF-8';

/** A record of a CSV file and the line it begins on. */
interface CsvRecord {
  line: number;
  cells: string[];
}

/**
 * Reads a CSV file of one of the authority's forms as entries, row by row, in bounded memory. UTF-8 with or without
 * byte order mark, any line ends, fields quoted by RFC 4180. What is wrong with a row or the file is an entry too.
 */
export async function* readCsv(source: Readable, file: string): AsyncGenerator<Entry> {
  let header: { form: FormName; columns: string[] } | undefined;
  for await (const record of readRecords(source)) {
    if ('reason' in record) {
      yield { file, ...record };
    } else if (header) {
      yield rowOf(record, header, file);
    } else {
      const columns = record.cells.map((cell) => cell.trim().toLowerCase());
      const matched = isText(record) ? matchHeader(columns) : { reason: NOT_TEXT };
      if ('reason' in matched) return yield { file, line: record.line, field: '', reason: matched.reason };
      header = { form: matched.form, columns };
      if (matched.unknown.length > 0) {
        const noun = matched.unknown.length === 1 ? 'column' : 'columns';
        yield { file, note: `${noun} ${matched.unknown.join(', ')} unknown in ${matched.form}: ignored` };
      }
    }
  }
  if (!header) yield { file, line: 1, field: '', reason: 'empty file' };
}

/** Reads a file's header only. */
export async function readForm(source: Readable): Promise<FormName | undefined> {
  for await (const record of readRecords(source)) {
    if ('reason' in record) return undefined;
    const matched = matchHeader(record.cells.map((cell) => cell.trim().toLowerCase()));
    return 'form' in matched ? matched.form : undefined;
  }
  return undefined;
}

function isText({ cells }: CsvRecord): boolean {
  return cells.every((cell) => !cell.includes(REPLACEMENT));
}

function rowOf(
  { line, cells }: CsvRecord,
  header: { form: FormName; columns: string[] },
  file: string,
): Entry {
  const { form, columns } = header;
  if (cells.length !== columns.length) {
    return { file, line, field: '', reason: `${cells.length} columns instead of ${columns.length}` };
  }
  const row: Record<string, string> = {};
  for (const [index, column] of columns.entries()) {
    const cell = cells[index] as string;
    if (cell.includes(REPLACEMENT)) return { file, line, field: column, reason: NOT_TEXT };
    row[column] = cell.trim();
  }
  return { file, line, form, row };
}

/**
 * The records of a CSV stream, blank lines left out. The parser is told to skip over what it cannot read rather than
 * to fail, because a stream that fails takes the records before the failure with it; here they are kept, and the
 * quote that swallowed the rest of the file is named at the line where it was opened.
 */
async function* readRecords(source: Readable): AsyncGenerator<CsvRecord | Omit<Fault, 'file'>> {
  let parsed = 0;
  let brokenAfter = Number.POSITIVE_INFINITY;
  let broken = 'a quote is not closed';
  const parser = parse({
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_BYTES,
    skip_records_with_error: true,
    on_record: (record: string[]) => {
      parsed += 1;
      return record;
    },
    on_skip: (error) => {
      if (brokenAfter <= parsed) return;
      brokenAfter = parsed;
      if (error?.code === 'CSV_MAX_RECORD_SIZE') broken = TOO_LONG;
    },
  });
  // A pipe does not pass an error on.
  source.on('error', (error) => parser.destroy(error));
  let line = 1;
  let read = 0;
  try {
    for await (const cells of source.pipe(parser) as AsyncIterable<string[]>) {
      if (read === brokenAfter) break;
      read += 1;
      if (cells.length > 1 || cells[0] !== '') yield { line, cells };
      line += 1 + lineEndsIn(cells);
    }
  } finally {
    source.destroy();
  }
  if (brokenAfter === read) {
    yield { line, field: '', reason: `${broken}: nothing from here on was read` };
  }
}

function lineEndsIn(cells: readonly string[]): number {
  let ends = 0;
  for (const cell of cells) {
    if (cell.includes('\n') || cell.includes('\r')) ends += cell.split(/\r\n|\n|\r/).length - 1;
  }
  return ends;
}
