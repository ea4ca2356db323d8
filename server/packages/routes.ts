import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { binary, packageAnswer, problem } from '../../replication/answers.ts';
import { SyncError } from '../../replication/errors.ts';
import { idPart } from '../../replication/fields.ts';
import { PACKAGE_MEDIA_TYPE, REPORT_HEADER, refusalSchema } from '../../replication/package/manifest.ts';
import { optionalBody } from '../control/schemas.ts';
import type { ServerParts } from '../parts.ts';
import { recordWrites } from '../replica/record-writes.ts';
import { createCenterWrites } from '../replica/writes.ts';
import { type Admit, expectCenter } from '../sync-api/admit.ts';
import { type Asker, makeDownload, type PackageFile } from './download.ts';
import { takeUpload } from './upload.ts';

const params = z.object({ centerId: idPart });
const report = z.object({
  packageId: z.string(),
  nodeId: z.string(),
  madeAt: z.string(),
  documents: z.int(),
  revisions: z.int(),
  counts: z.record(z.string(), z.int()),
  written: z.int(),
  refused: z.array(refusalSchema),
});
const uploadAnswers = {
  200: {
    description: 'of a package the receipts, or the report',
    content: { [PACKAGE_MEDIA_TYPE]: { schema: binary }, 'application/json': { schema: report } },
  },
  400: problem.describe('it is no package'),
  403: problem.describe('a package for another server, of another center, or by nobody known'),
  409: problem.describe('a package out of order'),
  422: problem.describe('the package is damaged'),
};
const downloadRequest = z
  .object({
    kind: z.enum(['download', 'snapshot']).default('download'),
    /** `last`: what all of the center's nodes have confirmed; `zero`; or a sequence of the feed. */
    since: z.string().min(1).default('last'),
    tests: z.array(idPart).min(1).optional(),
  })
  .default({ kind: 'download', since: 'last' });

/** `/sync/download/:centerId` and `/sync/upload/:centerId`: packages, for the center and for administrators. */
export function registerPackages(app: FastifyInstance, parts: ServerParts, admit: Admit): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const write = recordWrites(createCenterWrites(parts), parts);
  const askers = new WeakMap<FastifyRequest, Asker>();
  const askerOf = (request: FastifyRequest) => askers.get(request) as Asker;
  api.addHook('onRequest', async (request, reply) => {
    const identity = await admit(request, reply, request.headers.authorization);
    const { centerId } = request.params as { centerId: string };
    await expectCenter(parts, identity, centerId);
    const actor = identity.role === 'center' ? `center ${identity.centerId}` : 'admin';
    askers.set(request, { actor, from: request.ip });
  });
  api.addContentTypeParser(
    [PACKAGE_MEDIA_TYPE, 'application/octet-stream'],
    async (_: FastifyRequest, payload: Readable) => payload,
  );

  api.post(
    '/sync/download/:centerId',
    {
      schema: {
        summary: 'A package for a center',
        description: 'Streams the file. Without `since` it holds what the center has not confirmed yet.',
        params,
        body: optionalBody(downloadRequest),
        response: {
          200: packageAnswer,
          400: problem.describe('the reason names what is wrong'),
          409: problem.describe('no node of the center has registered a key for packages'),
        },
      },
    },
    async (request, reply) => {
      const { centerId } = request.params;
      return sendPackage(reply, await makeDownload(parts, centerId, request.body, askerOf(request)));
    },
  );
  api.post(
    '/sync/upload/:centerId',
    {
      constraints: { mediaType: PACKAGE_MEDIA_TYPE },
      bodyLimit: Number.MAX_SAFE_INTEGER,
      schema: {
        summary: 'Import a center’s package',
        description:
          'A package: the file as it is. Answers with a package of receipts for the center, and in the header ' +
          `${REPORT_HEADER} with counts as JSON; for Accept: application/json with a report alone.`,
        consumes: [PACKAGE_MEDIA_TYPE],
        params,
        body: binary,
        response: uploadAnswers,
      },
    },
    (request, reply) => upload(parts, write, request, reply, askerOf(request)),
  );
}

async function upload(
  parts: ServerParts,
  write: ReturnType<typeof createCenterWrites>,
  request: FastifyRequest,
  reply: FastifyReply,
  asker: Asker,
): Promise<FastifyReply> {
  const { centerId } = request.params as { centerId: string };
  if (!(request.body instanceof Readable)) {
    throw new SyncError('unsupported_media_type', `send the package as ${PACKAGE_MEDIA_TYPE}`);
  }
  const { report, receipts } = await takeUpload(parts, write, centerId, request.body, asker);
  if (request.headers.accept?.includes('application/json')) return reply.send(report);
  const { refused, counts: _, ...counts } = report;
  return sendPackage(
    reply.header(REPORT_HEADER, JSON.stringify({ ...counts, refused: refused.length })),
    receipts,
  );
}

function sendPackage(reply: FastifyReply, { name, bytes }: PackageFile): FastifyReply {
  return reply
    .type(PACKAGE_MEDIA_TYPE)
    .header('content-disposition', `attachment; filename="${name}"`)
    .send(Readable.from(bytes, { objectMode: false }));
}
