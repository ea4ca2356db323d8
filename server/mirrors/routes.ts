import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { SyncError } from '../../replication/errors.ts';
import { onRecord } from '../control/on-record.ts';
import { mirrorStatus } from '../control/schemas.ts';
import type { ServerParts } from '../parts.ts';
import type { Mirror } from './mirror.ts';

const verification = z.object({
  equal: z.boolean(),
  counts: z.record(z.string(), z.object({ hub: z.int(), mirror: z.int() })),
  differences: z.array(z.object({ id: z.string(), problem: z.enum(['missing', 'different', 'extra']) })),
  more: z.boolean(),
});

const params = z.object({ name: z.enum(['mongo', 'redis']) });

/** `/api/mirrors`: where they stand, from the beginning again, compared with the hub. */
export function registerMirrors(app: FastifyInstance, parts: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();

  api.get(
    '/api/mirrors',
    {
      schema: {
        summary: 'Where the mirrors stand',
        response: { 200: z.object({ mirrors: z.array(mirrorStatus) }) },
      },
    },
    async () => ({ mirrors: await Promise.all(parts.mirrors.map((mirror) => mirror.status())) }),
  );

  api.post(
    '/api/mirrors/:name/rebuild',
    {
      schema: {
        summary: 'Mirror the hub again from its beginning',
        description: 'What is there stays until it is written again; answers at the end.',
        params,
        response: { 200: mirrorStatus, 404: problem, 503: problem },
      },
    },
    async ({ params: { name }, ip }) => {
      const mirror = find(parts.mirrors, name);
      const act = { action: 'mirror.rebuilt', from: ip, details: { name } };
      await onRecord(parts, act, () => mirror.rebuild());
      return mirror.status();
    },
  );

  api.post(
    '/api/mirrors/:name/verify',
    {
      schema: {
        summary: 'Compare a mirror with the hub',
        params,
        response: { 200: verification, 404: problem, 503: problem },
      },
    },
    async ({ params: { name } }) => {
      const verified = await find(parts.mirrors, name).verify();
      return { equal: verified.differences.length === 0, ...verified };
    },
  );
}

function find(mirrors: readonly Mirror[], name: string): Mirror {
  const mirror = mirrors.find((one) => one.name === name);
  if (mirror) return mirror;
  const variable = name === 'mongo' ? 'MONGODB_URI' : 'REDIS_URL';
  throw new SyncError('not_found', `there is no ${name} mirror: ${variable} is not set`);
}
