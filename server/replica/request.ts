import type { FastifyRequest } from 'fastify';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { isObject } from '../../replication/json.ts';

/** The parts of a replica request's path. */
export interface ReplicaParams {
  centerId: string;
  docId: string;
  '*': string;
}

export type ReplicaRequest = FastifyRequest<{
  Params: ReplicaParams;
  Querystring: Record<string, string | undefined>;
}>;

/** What is asked for beside the path. */
export type Parameters = Pick<ReplicaRequest, 'query'>;

/** A boolean query parameter, as CouchDB reads it. */
export function flag(request: Parameters, name: string): boolean {
  return request.query[name] === 'true';
}

/** A query parameter that holds JSON, such as `startkey="a"`. @throws SyncError bad_request. */
export function jsonParameter(request: Parameters, ...names: string[]): unknown {
  for (const name of names) {
    const text = request.query[name];
    if (text === undefined) continue;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new SyncError('bad_request', `${name} is not JSON`, { cause });
    }
  }
  return undefined;
}

/** A query parameter that counts something. @throws SyncError bad_request. */
export function countParameter(request: Parameters, name: string): number | undefined {
  const text = request.query[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new SyncError('bad_request', `${name} is not a whole number`);
  return Number(text);
}

/** The request's body, which is kept as text until it is needed. @throws SyncError bad_request when it is not JSON. */
export function jsonBody({ body }: FastifyRequest): unknown {
  if (typeof body !== 'string' || body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new SyncError('bad_request', 'the body is not JSON', { cause });
  }
}

/** The request's body as a JSON object. @throws SyncError bad_request. */
export function objectBody(request: FastifyRequest): Record<string, unknown> {
  const body = jsonBody(request);
  if (isObject(body)) return body;
  throw new SyncError('bad_request', 'the body is not a JSON object');
}

/** The request's body as a document, its id checked against the path's. @throws SyncError bad_request. */
export function documentBody(request: FastifyRequest, id?: string): StoredDocument {
  const body = objectBody(request);
  if (id !== undefined && body._id !== undefined && body._id !== id) {
    throw new SyncError('bad_request', 'the id in the body is not the id in the path');
  }
  const _id = id ?? body._id;
  if (typeof _id !== 'string' || _id === '') throw new SyncError('bad_request', 'the document has no _id');
  return { ...body, _id };
}

export function absent(reason: 'missing' | 'deleted' = 'missing'): SyncError {
  return new SyncError('not_found', reason);
}
