import { ERRORS, type ErrorCode, messageOf, SyncError } from './errors.ts';

/** Asks a server or a node over its HTTP API. */
export interface ApiClient {
  readonly url: string;
  /** The parsed JSON answer. @throws SyncError with the other side's reason, or unreachable. */
  request<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The raw answer, for streams; only the authorization is added. @throws SyncError like `request`. */
  open(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
}

/** @param options.authorization an `Authorization` header, `Bearer <token>` or `Basic <…>`. */
export function createApiClient(options: {
  url: string;
  authorization: string;
  fetch?: typeof globalThis.fetch;
}): ApiClient {
  const send = options.fetch ?? globalThis.fetch;

  async function open(path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', options.authorization);
    const response = await send(new URL(path, options.url), { ...init, headers }).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw new SyncError('unreachable', `${options.url} does not answer (${causeOf(error)})`, {
        cause: error,
      });
    });
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  return {
    url: options.url,
    open,
    async request<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      const init: RequestInit = { method, headers: { accept: 'application/json' } };
      if (body !== undefined) {
        init.headers = { accept: 'application/json', 'content-type': 'application/json' };
        init.body = JSON.stringify(body);
      }
      const response = await open(path, init);
      return (response.status === 204 ? undefined : await response.json()) as Answer;
    },
  };
}

async function errorOf(response: Response): Promise<SyncError> {
  const text = await response.text();
  const { error, reason } = parseError(text);
  const code = error && error in ERRORS ? (error as ErrorCode) : codeOfStatus(response.status);
  return new SyncError(code, reason ?? `the answer was HTTP ${response.status}`);
}

function parseError(text: string): { error?: string; reason?: string } {
  try {
    return JSON.parse(text) as { error?: string; reason?: string };
  } catch {
    return {};
  }
}

function codeOfStatus(status: number): ErrorCode {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  return codes.find((code) => ERRORS[code].statusCode === status) ?? 'internal_error';
}

/** fetch says only "fetch failed"; why is in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code ?? messageOf(cause ?? error);
}
