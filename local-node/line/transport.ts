import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ERRORS, type ErrorCode, messageOf, SyncError } from '../../replication/errors.ts';

/** One request, its body whole: what a node sends fits into memory, and may have to be sent again. */
export interface LineRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Called when it is on its way: what is sent from then on does not take the connection before it. */
  begun?: (() => void) | undefined;
}

/** Sends a request. @throws SyncError unreachable when the line is cut or silent, AbortError when aborted. */
export type Send = (request: LineRequest) => Promise<Response>;

export interface TransportOptions {
  authorization: string;
  /** No byte for so long, and the line is dead: a half-open connection says nothing for hours. */
  silenceMs: number;
  /** Told what time it is at the server, with each answer. */
  heardTime?: ((time: Date) => void) | undefined;
}

/** Shorter bodies fit into a packet as they are. */
const WORTH_COMPRESSING = 1024;
/** A line slower than this (16 KiB a second) is taken for dead. */
const SLOWEST_BYTES_PER_MS = 16;

const compress = promisify(gzip);

/** `fetch` for bad lines: connections kept alive, bodies compressed both ways, a deadline for each wait. */
export function createTransport({ authorization, silenceMs, heardTime }: TransportOptions): Send {
  return async (request) => {
    request.signal?.throwIfAborted();
    const watch = createWatch(silenceMs, request);
    const headers: Record<string, string> = {
      'accept-encoding': 'zstd, br, gzip',
      ...request.headers,
      authorization,
    };
    const body = await encodeBody(request.body, headers);
    const init: RequestInit = { method: request.method, headers, signal: watch.signal };
    if (body !== undefined) init.body = body as BodyInit;
    try {
      const sendingMs = (body?.length ?? 0) / SLOWEST_BYTES_PER_MS;
      const answer = fetch(request.url, init);
      request.begun?.();
      const response = await watch.during(answer, sendingMs);
      const date = response.headers.get('date');
      if (date) heardTime?.(new Date(date));
      return new LineResponse(response, watch);
    } catch (error) {
      throw watch.explain(error);
    }
  };
}

async function encodeBody(
  body: string | undefined,
  headers: Record<string, string>,
): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body.length < WORTH_COMPRESSING) return body;
  headers['content-encoding'] = 'gzip';
  return Uint8Array.from(await compress(body));
}

interface Watch {
  readonly signal: AbortSignal;
  /** Waits for `work`, no longer than the line may be silent. */
  during<Result>(work: Promise<Result>, extraMs?: number): Promise<Result>;
  /** What a failure means: silence, a cut, or that the caller wanted no more. */
  explain(error: unknown): unknown;
  cancel(): void;
}

function createWatch(silenceMs: number, request: LineRequest): Watch {
  const controller = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, controller.signal]) : controller.signal;
  let silent = false;
  return {
    signal,
    async during(work, extraMs = 0) {
      const timer = setTimeout(() => {
        silent = true;
        controller.abort();
      }, silenceMs + extraMs);
      try {
        return await work;
      } finally {
        clearTimeout(timer);
      }
    },
    explain(error) {
      const { host } = new URL(request.url);
      if (silent) {
        return new SyncError('unreachable', `${host} was silent for ${silenceMs / 1000} s`, { cause: error });
      }
      if (request.signal?.aborted) return request.signal.reason;
      const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
      const why = cause?.code ?? messageOf(cause ?? error);
      return new SyncError('unreachable', `${host} does not answer (${why})`, { cause: error });
    },
    cancel: () => controller.abort(),
  };
}

/** A response whose body is watched for silence while it is read. */
class LineResponse extends Response {
  constructor(response: Response, watch: Watch) {
    const hasBody = response.body !== null && ![101, 204, 205, 304].includes(response.status);
    super(hasBody ? watchedBody(response.body as ReadableStream<Uint8Array>, watch) : null, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  }

  /** PouchDB reads attachments with node-fetch's `buffer`, and can store nothing else. */
  async buffer(): Promise<Buffer> {
    return Buffer.from(await this.arrayBuffer());
  }
}

/** Silence counts only while somebody waits for the next bytes: a reader that pauses is not a dead line. */
function watchedBody(body: ReadableStream<Uint8Array>, watch: Watch): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await watch.during(reader.read());
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(watch.explain(error));
        }
      },
      cancel() {
        watch.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}

/** A request as PouchDB hands it to `fetch`. */
export function requestOf(url: string, init: RequestInit): LineRequest {
  return {
    method: init.method ?? 'GET',
    url,
    headers: Object.fromEntries((init.headers ?? []) as Iterable<[string, string]>),
    body: init.body === undefined || init.body === null ? undefined : (init.body as string),
    signal: init.signal ?? undefined,
  };
}

/** An answer that needed no line. */
export class AnswerFromMemory extends Response {
  readonly #value: unknown;

  constructor(value: unknown, status = 200) {
    super(null, { status });
    this.#value = value;
  }

  override json(): Promise<never> {
    return Promise.resolve(this.#value as never);
  }
}

/** What the server says when it refuses a request. */
export async function refusalOf(response: Response): Promise<SyncError> {
  const answer = (await response.json().catch(() => ({}))) as { error?: string; reason?: string };
  const code = answer.error && answer.error in ERRORS ? (answer.error as ErrorCode) : 'unreachable';
  return new SyncError(code, answer.reason ?? `the answer was HTTP ${response.status}`);
}

/** A package of all there is for a center, as it comes. @throws SyncError with the server's reason. */
export async function receivePackage(
  send: Send,
  { server, centerId }: { server: string; centerId: string },
): Promise<AsyncIterable<Uint8Array>> {
  const headers = { 'content-type': 'application/json' };
  const url = `${server}/sync/download/${encodeURIComponent(centerId)}`;
  const response = await send({ method: 'POST', url, headers, body: JSON.stringify({ since: 'zero' }) });
  if (!response.ok) throw await refusalOf(response);
  return response.body as ReadableStream<Uint8Array>;
}
