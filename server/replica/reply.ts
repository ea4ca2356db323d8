import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type BrotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  type Gzip,
  type ZstdCompress,
} from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

type Compressor = Gzip | BrotliCompress | ZstdCompress;

/** Best first. The levels trade little time for bytes: what is scarce is the line to a rural center. */
const ENCODINGS: [name: string, create: () => Compressor][] = [
  ['zstd', () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 6 } })],
  ['br', () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ['gzip', () => createGzip({ level: 5 })],
];
/** Below this a packet is sent anyway. */
const WORTH_COMPRESSING = 1024;
/** How much text is gathered before it is handed to the socket. */
const CHUNK = 64 * 1024;

/** Names what is answered by a tag; whether the client has it already, so that a 304 says all (RFC 9110, 13.1.2). */
export function isUnchanged(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.header('etag', `"${tag}"`);
  const held = request.headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return held?.some((one) => one === `"${tag}"` || one === '*') === true;
}

/** Sends JSON text, compressed when the client takes it and it is long enough. */
export function sendText(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  reply.type('application/json');
  const encoding = text.length < WORTH_COMPRESSING ? undefined : encodingFor(request);
  if (!encoding) return reply.send(text);
  const [name, create] = encoding;
  const compressor = create();
  reply.header('content-encoding', name).header('vary', 'accept-encoding').send(compressor);
  compressor.end(text);
  return reply;
}

/**
 * Sends JSON text as it is made, so that no answer has to fit into memory. When making it fails, the body breaks off:
 * it never ends as if it were complete.
 */
export function sendParts(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: AsyncIterable<string>,
): FastifyReply {
  reply.type('application/json');
  const source = Readable.from(inChunks(parts), { objectMode: false });
  const encoding = encodingFor(request);
  if (!encoding) return reply.send(source);
  const [name, create] = encoding;
  const compressor = create();
  pipeline(source, compressor).catch((error) => request.log.warn({ err: error }, 'an answer broke off'));
  return reply.header('content-encoding', name).header('vary', 'accept-encoding').send(compressor);
}

async function* inChunks(parts: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let chunk = '';
  for await (const part of parts) {
    chunk += part;
    if (chunk.length < CHUNK) continue;
    yield Buffer.from(chunk);
    chunk = '';
  }
  if (chunk !== '') yield Buffer.from(chunk);
}

function encodingFor(request: FastifyRequest): (typeof ENCODINGS)[number] | undefined {
  const accepted = request.headers['accept-encoding'];
  if (typeof accepted !== 'string') return undefined;
  const names = new Set(
    accepted
      .split(',')
      .filter((item) => !/;\s*q=0(\.0*)?\s*$/.test(item))
      .map((item) => item.split(';', 1)[0]?.trim()),
  );
  return ENCODINGS.find(([name]) => names.has(name));
}
