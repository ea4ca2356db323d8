import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { packageAnswer, problem } from '../../replication/answers.ts';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { differenceSchema } from '../../replication/node-report.ts';
import { PACKAGE_KINDS, PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';
import type { NodeParts } from '../node.ts';
import type { ImportReport, PackageImports } from '../package/imports.ts';
import { makeResultsPackage } from '../package/results-package.ts';
import type { ImportStanding } from '../package/standing.ts';

const NDJSON = 'application/x-ndjson';
const count = z.int().nonnegative();

const report = z.object({
  kind: z.enum(PACKAGE_KINDS),
  packageId: z.string(),
  madeAt: z.string(),
  documents: count,
  revisions: count,
  counts: z.record(z.string(), count),
  written: count,
  repeated: z.boolean(),
  since: z.string().nullable(),
});

/** What a package is refused with. */
const refused = { 400: problem, 403: problem, 409: problem, 422: problem, 507: problem };

const comparison = z.object({ equal: z.boolean(), differences: z.array(differenceSchema) });
export type Comparison = z.infer<typeof comparison>;

/** A line of the answer to an import that is watched. */
export type ImportLine =
  | { progress: ImportStanding }
  | { report: ImportReport }
  | ReturnType<SyncError['toJSON']>;

/** `/api/packages`: packages in and out. */
export function registerPackages(app: FastifyInstance, parts: NodeParts): void {
  app.register(async (scope) => {
    const api = scope.withTypeProvider<ZodTypeProvider>();
    // The body is read as it comes, whatever its length.
    api.removeAllContentTypeParsers();
    api.addContentTypeParser('*', async (_: FastifyRequest, payload: Readable) => payload);
    api.post(
      '/api/packages',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          summary: 'Import a package',
          description:
            'The file as it is. It is checked as a whole before anything is changed. Answers with what was imported, ' +
            'or, for Accept: application/x-ndjson, with lines: {progress}, and {report} or {error, reason} as the last.',
          consumes: [PACKAGE_MEDIA_TYPE],
          response: { 200: report, ...refused },
        },
      },
      async (request, reply) => {
        if (!(request.body instanceof Readable)) throw new SyncError('bad_request', 'there is no package');
        if (!request.headers.accept?.includes(NDJSON)) return parts.imports.take(request.body);
        return sendLines(reply, importLines(parts.imports, request.body));
      },
    );
    api.post(
      '/api/packages/compare',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          summary: 'Compare the replica with a snapshot',
          description: 'Changes nothing; names every difference. What was written here since is one too.',
          consumes: [PACKAGE_MEDIA_TYPE],
          response: { 200: comparison, ...refused },
        },
      },
      async ({ body }) => {
        if (!(body instanceof Readable)) throw new SyncError('bad_request', 'there is no package');
        const differences = await parts.imports.compare(body);
        return { equal: differences.length === 0, differences };
      },
    );
    api.get(
      '/api/packages/results',
      {
        schema: {
          summary: 'A package for the server: what was written here',
          querystring: z.object({ since: z.enum(['last', 'zero']).default('last') }),
          response: { 200: packageAnswer },
        },
      },
      (request, reply) => sendResults(parts, request.query.since === 'zero', reply),
    );
  });
}

function sendLines(reply: FastifyReply, lines: AsyncIterable<string>): FastifyReply {
  return reply.type(NDJSON).send(Readable.from(lines));
}

async function sendResults(parts: NodeParts, all: boolean, reply: FastifyReply): Promise<FastifyReply> {
  const { name, bytes } = await makeResultsPackage(parts, { all });
  return reply
    .type(PACKAGE_MEDIA_TYPE)
    .header('content-disposition', `attachment; filename="${name}"`)
    .send(Readable.from(bytes, { objectMode: false }));
}

async function* importLines(imports: PackageImports, body: Readable): AsyncGenerator<string> {
  const lines: ImportLine[] = [];
  let wake = Promise.withResolvers<void>();
  const tell = (line: ImportLine) => {
    lines.push(line);
    wake.resolve();
  };
  const taking = imports
    .take(body, (progress) => tell({ progress }))
    .then(
      (done) => tell({ report: done }),
      (error: unknown) => tell(lineOf(error)),
    );
  for (let isLast = false; !isLast; ) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    for (const line of lines.splice(0)) {
      yield `${JSON.stringify(line)}\n`;
      isLast = !('progress' in line);
    }
  }
  await taking;
}

function lineOf(error: unknown): ReturnType<SyncError['toJSON']> {
  return (error instanceof SyncError ? error : new SyncError('internal_error', messageOf(error))).toJSON();
}
