import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { RouteOptions } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { bodyProblems, describeAnswers, problem } from '../../replication/answers.ts';

/** The API as OpenAPI describes it: at `/docs/json`, and to read and try at `/docs`. */
export const apiDescription: FastifyDynamicSwaggerOptions = {
  openapi: {
    info: {
      title: 'CBT Sync server',
      version: '1',
      description:
        'Centers, assignments, import, sync status, conflicts and the sync API. Every error is {error, reason}.',
    },
    components: {
      securitySchemes: {
        admin: { type: 'http', scheme: 'bearer', description: 'The admin token.' },
        center: { type: 'http', scheme: 'basic', description: 'A center’s id and secret.' },
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token of /auth/token.',
        },
      },
    },
    security: [{ admin: [] }, { token: [] }],
  },
  // Two routes of one path are told apart until they are merged.
  transform: (route) => {
    const { schema, url } = jsonSchemaTransform(route);
    return { schema, url: 'mediaType' in (route.route.constraints ?? {}) ? url + OTHER : url };
  },
  transformObject: (document) => {
    const api = 'openapiObject' in document ? document.openapiObject : {};
    mergePaths((api.paths ?? {}) as Record<string, Path>);
    return api;
  },
};

/** After the path of a route that takes another media type than the route of this path for JSON. */
const OTHER = '#other';

interface Path {
  post: Operation;
}
interface Operation {
  description: string;
  requestBody: { content: Content };
  responses: Record<string, Response>;
}
interface Response {
  description: string;
  content: Content;
}
type Content = Record<string, { schema: object }>;

function mergePaths(paths: Record<string, Path>): void {
  for (const [path, { post: other }] of Object.entries(paths)) {
    if (!path.endsWith(OTHER)) continue;
    delete paths[path];
    const { post } = paths[path.slice(0, -OTHER.length)] as Path;
    post.description += ` ${other.description}`;
    mergeContent(post.requestBody.content, other.requestBody.content);
    for (const [status, response] of Object.entries(other.responses)) {
      const known = post.responses[status];
      post.responses[status] = known ?? response;
      if (!known) continue;
      if (known.description !== response.description) known.description += `; ${response.description}`;
      mergeContent(known.content, response.content);
    }
  }
}

function mergeContent(into: Content, other: Content): void {
  for (const [type, { schema }] of Object.entries(other)) {
    const known = into[type];
    into[type] = { schema: known ? { anyOf: [known.schema, schema] } : schema };
  }
}

/** Adds to a route what every route of administrators may answer, and says what each answer means. */
export function describeAdminRoute(route: RouteOptions): void {
  const { schema } = route;
  const asks = schema?.params || schema?.querystring || schema?.body;
  addAnswers(route, {
    ...(asks ? { 400: problem } : {}),
    401: problem.describe('no administrator’s credential'),
    ...failed,
  });
  describeAnswers((schema?.response ?? {}) as Record<string, unknown>, { 503: 'the store does not answer' });
}

/** Adds to a route what every route for one center may answer, and whose credentials it takes. */
export function describeCenterRoute(route: RouteOptions): void {
  Object.assign(route.schema ?? {}, { security: [{ center: [] }, { token: [] }, { admin: [] }] });
  addAnswers(route, {
    401: problem.describe('no credential, a wrong one, or a token that has expired'),
    403: problem.describe('another center’s'),
    404: problem.describe('there is no such center'),
    ...limited,
  });
}

const failed = {
  default: problem.describe('the server has failed, or is not ready: the error says what can be done'),
};

/** What a route answers to who guesses, and when the server fails. */
export const limited = {
  429: problem.describe('too many wrong credentials: wait as long as Retry-After says'),
  ...failed,
};

function addAnswers(route: RouteOptions, answers: Record<string, unknown>): void {
  const { schema } = route;
  if (!schema) return;
  schema.response = {
    ...answers,
    ...(schema.body ? bodyProblems : {}),
    ...(schema.response as object | undefined),
  };
}
