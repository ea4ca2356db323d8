import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { SyncError } from '../../replication/errors.ts';
import { PAGE_HEADER } from '../../replication/page-files.ts';
import type { ServerParts } from '../parts.ts';

const COOKIE = 'cbt_session';
const LASTS_SECONDS = 12 * 3600;
/** What the administrator's pages ask; nothing else needs to know of cookies. */
const PAGES_ASK = /^\/(api|sync|docs)\//;
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/**
 * Lets an administrator's browser sign in: the admin token once, then a cookie that says until when, under a key made
 * of the token, so that a new token ends every session. In what the pages ask the cookie stands for the token. A
 * request that changes something needs a header that no page of another site can send along.
 */
export function registerPageSession(
  app: FastifyInstance,
  { credentials }: ServerParts,
  adminToken: string,
): void {
  const sign = (text: string) => createHmac('sha256', `page session ${adminToken}`).update(text).digest();

  app.addHook('onRequest', async (request) => {
    const { headers, url } = request;
    if (headers.authorization !== undefined || !PAGES_ASK.test(url)) return;
    if (isSignedIn(request, sign) && isOwnPage(request)) headers.authorization = `Bearer ${adminToken}`;
  });

  app.register(async (scope) => {
    scope.setValidatorCompiler(validatorCompiler);
    scope.setSerializerCompiler(serializerCompiler);
    const api = scope.withTypeProvider<ZodTypeProvider>();
    const state = z.object({ signedIn: z.boolean() });

    api.get('/session', { schema: { hide: true, response: { 200: state } } }, async (request) => ({
      signedIn: isSignedIn(request, sign),
    }));

    api.post(
      '/session',
      {
        schema: {
          hide: true,
          body: z.object({ token: z.string() }),
          response: { 200: state, 401: problem },
        },
      },
      async (request, reply) => {
        const identity = await credentials.verify(`Bearer ${request.body.token.trim()}`);
        if (identity?.role !== 'admin') throw new SyncError('unauthorized', 'this is not the admin token');
        const until = `${Math.floor(Date.now() / 1000) + LASTS_SECONDS}.${randomBytes(9).toString('base64url')}`;
        const value = `${until}.${sign(until).toString('base64url')}`;
        reply.header('set-cookie', cookieOf(request, value, LASTS_SECONDS));
        return { signedIn: true };
      },
    );

    api.delete('/session', { schema: { hide: true, response: { 200: state } } }, async (request, reply) => {
      reply.header('set-cookie', cookieOf(request, '', 0));
      return { signedIn: false };
    });
  });
}

function cookieOf({ protocol }: FastifyRequest, value: string, maxAge: number): string {
  const secure = protocol === 'https' ? '; Secure' : '';
  return `${COOKIE}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`;
}

function isSignedIn({ headers }: FastifyRequest, sign: (text: string) => Buffer): boolean {
  const value = /(?:^|; )cbt_session=([^;]+)/.exec(headers.cookie ?? '')?.[1];
  const [, until, seconds, signature] = /^((\d+)\.[^.]+)\.([^.]+)$/.exec(value ?? '') ?? [];
  if (!until || !signature || Number(seconds) * 1000 < Date.now()) return false;
  const [given, right] = [Uint8Array.from(Buffer.from(signature, 'base64url')), Uint8Array.from(sign(until))];
  return given.length === right.length && timingSafeEqual(given, right);
}

function isOwnPage({ headers, method }: FastifyRequest): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) return false;
  return SAFE_METHODS.has(method) || headers[PAGE_HEADER] !== undefined;
}
