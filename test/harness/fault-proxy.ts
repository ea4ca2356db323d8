import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createLink, type Link, type LinkQuality } from './link.ts';
import { cutBody, requestLine, type Truncation, writtenAnswer } from './wire.ts';

/** What the line between two machines is like. */
export interface LineQuality extends LinkQuality {
  /** Added to each exchange; a new connection costs one more, as TCP's handshake does. */
  roundTripMs: number;
  /** Each way; unlimited when absent. */
  bitsPerSecond: number | undefined;
  /** Half-open: connections are accepted and stay, and nothing gets through. */
  swallow: boolean;
}

/**
 * A line that fails on command: a TCP proxy that knows where an HTTP request begins. Each change holds from the next
 * byte on, also for connections that are open.
 */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Bytes that came through, from client to target (`up`) and back (`down`). */
  readonly bytes: { up: number; down: number };
  /** The request lines that came, in order: `GET /path`. */
  readonly requests: readonly string[];
  set(quality: Partial<LineQuality>): void;
  /** Resets every open connection. */
  cut(): void;
  /** Cuts, and refuses connections until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Answers the next `times` requests itself. */
  answerNext(times: number, status: number, path?: RegExp): void;
  /** Lets `bytes` of the next response's body through and then ends the connection. */
  truncateNext(bytes: number, path?: RegExp): void;
  /** Resolves with the next request line that matches; the request goes on its way. */
  nextRequest(path: RegExp): Promise<string>;
}

interface Fault {
  times: number;
  path: RegExp;
  status?: number;
  bodyBytes?: number;
}

/** How much goes on the wire at once: small, or a slow line would be one long wait and then a flood. */
const SLICE_BYTES = 8192;

/** Opens a line to `target` on a free port. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const quality: LineQuality = { roundTripMs: 0, bitsPerSecond: undefined, swallow: false };
  const bytes = { up: 0, down: 0 };
  const requests: string[] = [];
  const faults: Fault[] = [];
  const waiting = new Set<{ path: RegExp; resolve(line: string): void }>();
  const sockets = new Set<Socket>();
  const links = { up: createLink(quality), down: createLink(quality) };
  let server: Server | undefined;
  let port = 0;

  /** Notes a request that begins with this chunk, and takes the fault that is meant for it. */
  function noteRequest(chunk: Buffer): Fault | undefined {
    const line = requestLine(chunk);
    if (line === undefined) return undefined;
    requests.push(line);
    for (const wait of waiting) {
      if (wait.path.test(line) && waiting.delete(wait)) wait.resolve(line);
    }
    const fault = faults.find((candidate) => candidate.times > 0 && candidate.path.test(line));
    if (fault) fault.times -= 1;
    return fault;
  }

  function carry(client: Socket): void {
    const upstream = connect(Number(targetPort) || 80, hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    let truncation: Truncation | undefined;
    let answered = false;
    pass(client, upstream, links.up, (chunk) => {
      // A client may go on sending a request that has been answered already.
      if (quality.swallow || answered) return undefined;
      const fault = noteRequest(chunk);
      if (fault?.status !== undefined) {
        answered = true;
        client.end(writtenAnswer(fault.status));
        return undefined;
      }
      if (fault?.bodyBytes !== undefined) truncation = { left: fault.bodyBytes, inBody: false };
      bytes.up += chunk.length;
      return chunk;
    });
    pass(upstream, client, links.down, (chunk) => {
      if (quality.swallow) return undefined;
      const kept = truncation ? cutBody(chunk, truncation) : chunk;
      bytes.down += kept.length;
      if (kept.length < chunk.length) upstream.destroy();
      return kept;
    });
    if (quality.roundTripMs > 0) setTimeout(() => client.resume(), quality.roundTripMs);
    else client.resume();
    upstream.resume();
  }

  async function up(): Promise<void> {
    if (server) return;
    server = createServer({ pauseOnConnect: true }, carry).listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }

  function cut(): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  async function down(): Promise<void> {
    const closing = server;
    server = undefined;
    closing?.close();
    cut();
    if (closing) await once(closing, 'close');
  }

  await up();
  return {
    url: `http://127.0.0.1:${port}`,
    bytes,
    requests,
    set: (changed) => void Object.assign(quality, changed),
    cut,
    down,
    up,
    answerNext: (times, status, path = /./) => void faults.push({ times, status, path }),
    truncateNext: (bodyBytes, path = /./) => void faults.push({ times: 1, bodyBytes, path }),
    nextRequest: (path) => new Promise<string>((resolve) => waiting.add({ path, resolve })),
    [Symbol.asyncDispose]: down,
  };
}

/** Carries what `from` sends to `to` over a link, as `change` leaves it; its end comes after all of it. */
function pass(from: Socket, to: Socket, link: Link, change: (chunk: Buffer) => Buffer | undefined): void {
  // A socket may tell its end while it is paused, before what came last has been delivered.
  let delivered = Promise.resolve();
  from.pause();
  from.on('data', (chunk: Buffer) => {
    const kept = change(chunk);
    if (!kept) return;
    // What is under way is bounded, or a slow line would take in whole databases at once.
    from.pause();
    delivered = deliver(kept, to, link).then(() => void from.resume());
  });
  const end = () => void delivered.then(() => link.arrived()).then(() => to.end());
  from.on('end', end).on('close', end);
}

async function deliver(chunk: Buffer, to: Socket, link: Link): Promise<void> {
  for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
    const slice = Uint8Array.from(chunk.subarray(at, at + SLICE_BYTES));
    await link.sent(slice.length);
    void link.arrived().then(() => to.write(slice));
  }
}
