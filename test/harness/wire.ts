/** The little that a proxy of bytes must know about HTTP/1.1. */

const REQUEST_LINE = /^([A-Z]+ \S+) HTTP\/1\.[01]\r\n/;
const HEADER_END = '\r\n\r\n';

/** `GET /path` when a request begins with this chunk. */
export function requestLine(chunk: Buffer): string | undefined {
  return REQUEST_LINE.exec(chunk.toString('latin1', 0, 8192))?.[1];
}

/** How much of a response's body is still to be let through. */
export interface Truncation {
  left: number;
  inBody: boolean;
}

/** What is left of a response's next chunk when its body is cut; keeps count in `truncation`. */
export function cutBody(chunk: Buffer, truncation: Truncation): Buffer {
  let bodyStart = 0;
  if (!truncation.inBody) {
    const headerEnd = chunk.indexOf(HEADER_END);
    if (headerEnd < 0) return chunk;
    truncation.inBody = true;
    bodyStart = headerEnd + HEADER_END.length;
  }
  const kept = chunk.subarray(0, bodyStart + truncation.left);
  truncation.left -= kept.length - bodyStart;
  return kept;
}

/** A whole response that a server in front of the target would give. */
export function writtenAnswer(status: number): string {
  const body = JSON.stringify({
    error: status === 429 ? 'too_many_requests' : 'not_ready',
    reason: 'try later',
  });
  const headers = [
    `HTTP/1.1 ${status} Later`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'retry-after: 0',
    'connection: close',
  ];
  return headers.join('\r\n') + HEADER_END + body;
}
