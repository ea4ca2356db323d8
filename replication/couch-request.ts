import type { IncomingMessage, ServerResponse } from 'node:http';
import { SyncError } from './errors.ts';

/** Requests and answers of `/couch`, below Fastify and Express: what both hand on. */

/** A path under a CouchDB root taken apart. */
export interface CouchPath {
  /** The first segment, decoded; empty for the root. */
  database: string;
  /** What follows it, without a slash at either end, not decoded. */
  rest: string;
  query: URLSearchParams;
}

/** @throws SyncError bad_request for a broken percent encoding. */
export function parseCouchPath(url: string): CouchPath {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, first = '', ...others] = pathname.split('/');
  try {
    return {
      database: decodeURIComponent(first),
      rest: others.join('/').replace(/\/$/, ''),
      query: searchParams,
    };
  } catch (cause) {
    throw new SyncError('bad_request', 'the path is not percent-encoded as it must be', { cause });
  }
}

/** Query parameters as express-pouchdb reads them: as JSON where they are JSON. */
export function jsonQuery(query: URLSearchParams): Record<string, unknown> {
  return Object.fromEntries([...query].map(([name, text]) => [name, parsedOr(text)]));
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The JSON object in a request's body, empty when there is none. @throws SyncError bad_request, too_large. */
export async function readJsonBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Record<string, unknown>> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request as AsyncIterable<string>) {
    text += chunk;
    if (text.length > limitBytes) throw new SyncError('too_large', 'the request entity is too large');
  }
  const body = text === '' ? {} : parsedOr(text);
  if (body !== null && typeof body === 'object' && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw new SyncError('bad_request', 'Request body must be a JSON object');
}

/** Answers with JSON, unless an answer has begun; then it is broken off, so that it cannot pass for complete. */
export function sendJson(response: ServerResponse, statusCode: number, body: object): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(statusCode, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
