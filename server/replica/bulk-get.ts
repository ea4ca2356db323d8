import type { FastifyReply } from 'fastify';
import { SyncError } from '../../replication/errors.ts';
import { isObject } from '../../replication/json.ts';
import type { ServerParts } from '../parts.ts';
import { sendParts } from './reply.ts';
import { flag, objectBody, type ReplicaRequest } from './request.ts';
import type { CenterView, RevisionOptions, RevisionRequest } from './view.ts';

const READ_AT_ONCE = 100;

/** `_bulk_get`: one result for each request, in order. */
export async function sendBulkGet(
  { operations }: Pick<ServerParts, 'operations'>,
  view: CenterView,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { docs } = objectBody(request);
  if (!Array.isArray(docs)) throw new SyncError('bad_request', 'docs is not a list');
  const requests = docs.map(readRequest);
  const options = {
    revs: flag(request, 'revs'),
    latest: flag(request, 'latest'),
    attachments: flag(request, 'attachments'),
  };
  operations.transferred(request.params.centerId, 'download', { records: requests.length });
  return sendParts(request, reply, results(view, request.params.centerId, requests, options));
}

function readRequest(doc: unknown): RevisionRequest {
  if (!isObject(doc) || typeof doc.id !== 'string') {
    throw new SyncError('bad_request', 'an entry of docs has no id');
  }
  return typeof doc.rev === 'string' ? { id: doc.id, rev: doc.rev } : { id: doc.id };
}

async function* results(
  view: CenterView,
  centerId: string,
  requests: RevisionRequest[],
  options: RevisionOptions,
): AsyncGenerator<string> {
  yield '{"results":[';
  for (let from = 0; from < requests.length; from += READ_AT_ONCE) {
    const some = requests.slice(from, from + READ_AT_ONCE);
    const docs = await view.read(centerId, some, options);
    yield some.map((one, index) => (from + index > 0 ? ',\n' : '\n') + result(one, docs[index])).join('');
  }
  yield '\n]}\n';
}

function result({ id, rev }: RevisionRequest, doc: string | undefined): string {
  const answer =
    doc === undefined
      ? `{"error":${JSON.stringify({ id, rev: rev ?? 'undefined', error: 'not_found', reason: 'missing' })}}`
      : `{"ok":${doc}}`;
  return `{"id":${JSON.stringify(id)},"docs":[${answer}]}`;
}
