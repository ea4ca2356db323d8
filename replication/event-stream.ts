import type { ServerResponse } from 'node:http';

const HEARTBEAT_MS = 15_000;

/**
 * Begins an answer of server-sent events that lasts until the client goes or `stopping` aborts; a comment keeps it
 * open. @param closed called once, when it has ended.
 */
export function beginEventStream(raw: ServerResponse, stopping: AbortSignal, closed: () => void): void {
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    connection: 'keep-alive',
  });
  const heartbeat = setInterval(() => raw.write(COMMENT), HEARTBEAT_MS);
  const end = () => raw.end();
  stopping.addEventListener('abort', end, { once: true });
  raw.req.once('close', () => {
    closed();
    clearInterval(heartbeat);
    stopping.removeEventListener('abort', end);
  });
}

/** Says nothing, and shows that the stream is there. */
export const COMMENT = ':\n\n';

/** One event as it goes on the wire. @param id what a client that comes back names as the last it has seen. */
export function eventFrame(event: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
