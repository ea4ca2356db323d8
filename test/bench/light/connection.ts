import { Agent, request } from 'node:http';

/** One center's client at its lightest: one kept-alive connection, bytes in and bytes out. */
export interface Connection {
  send(method: string, path: string, body?: string): Promise<Buffer>;
  close(): void;
}

/** @param base the database's URL. @throws Error for an answer that is not of the 200s. */
export function openConnection(base: string, authorization: string | undefined): Connection {
  const { hostname, port, pathname } = new URL(base);
  const root = pathname.replace(/\/$/, '');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const authorized = authorization ? { authorization } : {};
  return {
    send: (method, path, body) =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? authorized : { ...authorized, ...jsonHeaders(body) };
        const sent = request({ agent, hostname, port, method, path: root + path, headers }, (response) => {
          const chunks: Uint8Array[] = [];
          response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const answer = Buffer.concat(chunks);
            if ((response.statusCode ?? 500) < 300) resolve(answer);
            else
              reject(
                new Error(`${method} ${path} → ${response.statusCode} ${answer.toString().slice(0, 200)}`),
              );
          });
        });
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function jsonHeaders(body: string): Record<string, string | number> {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}
