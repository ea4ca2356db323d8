import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { binary, problem } from '../../replication/answers.ts';
import { messageOf, SyncError } from '../../replication/errors.ts';
import type { Fault, Note } from '../ingest/entries.ts';
import type { ImportCounts, ImportEvent } from '../ingest/run.ts';
import type { ServerParts } from '../parts.ts';
import { createImporter, type Upload } from './import.ts';

const NDJSON = 'application/x-ndjson';
const CSV = 'text/csv';
/** How many errors one JSON answer lists; an NDJSON answer has them all. */
const LISTED_ERRORS = 1000;

const flag = z.enum(['true', 'false']).default('false');
const query = z.object({
  dryRun: flag,
  strict: flag,
  /** What messages call an uploaded CSV file. */
  file: z.string().min(1).default('upload.csv'),
});

const answer = z.object({
  lines: z.int(),
  written: z.int(),
  unchanged: z.int(),
  deleted: z.int(),
  refused: z.int(),
  errors: z.array(
    z.object({ file: z.string().optional(), line: z.int(), field: z.string(), reason: z.string() }),
  ),
  moreErrors: z.int(),
  notes: z.array(z.object({ file: z.string(), note: z.string() })),
});

/** `POST /api/import`. */
export function registerImport(app: FastifyInstance, parts: ServerParts): void {
  const importer = createImporter(parts);
  app.register(async (scope) => {
    const api = scope.withTypeProvider<ZodTypeProvider>();
    // The body is read as it comes, whatever its length.
    api.removeAllContentTypeParsers();
    api.addContentTypeParser([NDJSON, CSV], async (_: FastifyRequest, payload: Readable) => payload);
    api.post(
      '/api/import',
      {
        schema: {
          summary: 'Import documents',
          description:
            'NDJSON, one complete document a line, or one CSV file of the authority’s forms. Idempotent. ' +
            'Answers with counts and errors by line, or, for Accept: application/x-ndjson, with lines as the import ' +
            'goes on: {fault}, {note}, {progress}, and {counts} as the last one.',
          consumes: [NDJSON, CSV],
          querystring: query,
          body: binary,
          response: { 200: answer, 400: problem, 409: problem, 415: problem },
        },
      },
      async (request, reply) => {
        const { dryRun, strict, file } = request.query;
        const options = { dryRun: dryRun === 'true', strict: strict === 'true' };
        const events = recorded(parts, request, importer.run(uploadOf(request, file), options));
        if (request.headers.accept?.includes(NDJSON)) return sendLines(reply, events);
        return collect(events);
      },
    );
  });
}

/** Puts an import on record at its end, also one that fails or is broken off; a dry run changes nothing. */
async function* recorded(
  { audit }: ServerParts,
  { ip, query: { file, dryRun } }: FastifyRequest<{ Querystring: z.infer<typeof query> }>,
  events: AsyncGenerator<ImportEvent, ImportCounts>,
): AsyncGenerator<ImportEvent, ImportCounts> {
  if (dryRun === 'true') return yield* events;
  let counts: ImportCounts | undefined;
  try {
    counts = yield* events;
    return counts;
  } finally {
    const details = { file, ...counts };
    const outcome = counts ? 'done' : 'failed';
    await audit.append({ action: 'documents.imported', actor: 'admin', from: ip, outcome, details });
  }
}

function uploadOf({ body, headers }: FastifyRequest, file: string): Upload {
  if (!(body instanceof Readable)) throw new SyncError('bad_request', 'there is no body');
  const isCsv = headers['content-type']?.startsWith(CSV) === true;
  const source = headers['content-encoding'] === 'gzip' ? unzip(body) : body;
  return isCsv ? { body: source, format: 'csv', file } : { body: source, format: 'ndjson' };
}

function unzip(body: Readable): Readable {
  const gunzip = createGunzip();
  // Who reads hears of a failure.
  pipeline(body, gunzip).catch(() => undefined);
  return Readable.from(unzipped(gunzip));
}

async function* unzipped(gunzip: Gunzip): AsyncGenerator<Buffer> {
  try {
    yield* gunzip;
  } catch (cause) {
    if (!(cause as NodeJS.ErrnoException).code?.startsWith('Z_')) throw cause;
    throw new SyncError('bad_request', `the body is not gzip: ${messageOf(cause)}`, { cause });
  }
}

async function collect(events: AsyncGenerator<ImportEvent, ImportCounts>): Promise<z.infer<typeof answer>> {
  const errors: Fault[] = [];
  const notes: Note[] = [];
  let moreErrors = 0;
  for (;;) {
    const next = await events.next();
    if (next.done) return { ...next.value, errors, moreErrors, notes };
    if ('note' in next.value) notes.push(next.value.note);
    if (!('fault' in next.value)) continue;
    if (errors.length < LISTED_ERRORS) errors.push(next.value.fault);
    else moreErrors += 1;
  }
}

/** Answers line by line. What fails before the first line still answers with its own status. */
async function sendLines(
  reply: FastifyReply,
  events: AsyncGenerator<ImportEvent, ImportCounts>,
): Promise<FastifyReply> {
  const first = await events.next();
  return reply.type(NDJSON).send(Readable.from(linesOf(first, events)));
}

/** An answer without a `{counts}` line is one of an import that did not come to its end. */
async function* linesOf(
  first: IteratorResult<ImportEvent, ImportCounts>,
  events: AsyncGenerator<ImportEvent, ImportCounts>,
): AsyncGenerator<string> {
  try {
    let next = first;
    for (; !next.done; next = await events.next()) yield `${JSON.stringify(next.value)}\n`;
    yield `${JSON.stringify({ counts: next.value })}\n`;
  } catch (error) {
    const known = error instanceof SyncError ? error : new SyncError('internal_error', messageOf(error));
    yield `${JSON.stringify(known)}\n`;
  } finally {
    // A client that went away leaves the rest unread: the import ends here, and another can begin.
    await events.return({ lines: 0, written: 0, unchanged: 0, deleted: 0, refused: 0 });
  }
}
