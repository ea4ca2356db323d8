import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { StoredDocument } from '../../replication/documents.ts';
import { FORM_ORDER } from './csv/forms.ts';
import type { Entry } from './entries.ts';

/** A longer line is no document: nothing that is imported is nearly as large. */
const MAX_LINE_CHARACTERS = 8 * 1024 * 1024;

const file = z.string().min(1);
const line = z.int().positive();

/** Lines of the command, which reads the files itself: rows, what is wrong in a file, and notes. */
const fileEntry = z.union([
  z.strictObject({ file, line, form: z.enum(FORM_ORDER), row: z.record(z.string(), z.string()) }),
  z.strictObject({ file, line, field: z.string(), reason: z.string() }),
  z.strictObject({ file, note: z.string() }),
]);

/**
 * Reads NDJSON, one entry a line: a complete document (it has an `_id`), or an entry of a CSV file as `cbt-server
 * import` sends it. Blank lines are left out. What is wrong with a line is an entry too.
 */
export async function* readNdjson(source: Readable): AsyncGenerator<Entry> {
  let number = 0;
  for await (const text of linesOf(source)) {
    number += 1;
    if (text === undefined) yield fault(number, `longer than ${MAX_LINE_CHARACTERS} characters`);
    else if (text.trim() !== '') yield entryOf(text, number);
  }
}

function entryOf(text: string, number: number): Entry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault(number, 'not JSON');
  }
  if (text.includes('\uFFFD')) return fault(number, 'not UTF-8');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fault(number, 'not a document');
  }
  if ('_id' in value && typeof value._id === 'string') return { line: number, doc: value as StoredDocument };
  const parsed = fileEntry.safeParse(value);
  if (parsed.success) return parsed.data;
  return { line: number, field: '_id', reason: 'missing' };
}

function fault(line: number, reason: string): Entry {
  return { line, field: '', reason };
}

/** The lines of a byte stream, `undefined` for one that is too long. */
async function* linesOf(source: Readable): AsyncGenerator<string | undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let isTooLong = false;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) {
      yield isTooLong ? undefined : line;
      isTooLong = false;
    }
    if (rest.length < MAX_LINE_CHARACTERS) continue;
    isTooLong = true;
    rest = '';
  }
  if (rest !== '' || isTooLong) yield isTooLong ? undefined : rest;
}
