/** The code of a request that came to no answer; `unreachable` is an answer: the one who was asked reaches no further. */
export const UNANSWERED = 'unanswered';

/** What a request came to that was not answered well. */
export class Problem extends Error {
  /** Of the error table; `unanswered` when this page's own server answered nothing. */
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
  }

  /** Whether it may go well when the same is sent again. */
  get isPassing(): boolean {
    return PASSING.has(this.code);
  }
}

const PASSING = new Set([
  UNANSWERED,
  'unreachable',
  'not_ready',
  'internal_error',
  'insufficient_storage',
  'too_many_requests',
  'in_use',
]);

/** See PAGE_HEADER: without it a refused request would open the browser's own window for passwords. */
export const FROM_A_PAGE = { 'x-cbt-page': '1' };

const PATIENCE_MS = 15_000;

export interface AskOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** Default 15 s; replication may take longer. */
  patienceMs?: number;
}

/** Asks the API. @throws Problem. */
export async function ask<Answer>(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const { body, patienceMs = PATIENCE_MS } = options;
  const headers: Record<string, string> = { ...options.headers, ...FROM_A_PAGE };
  const init: RequestInit = { method, headers, cache: 'no-store', signal: AbortSignal.timeout(patienceMs) };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  // With credentials of its own, so that a wrong PIN is answered here and not by a window of the browser.
  if (headers.authorization) init.credentials = 'omit';
  const response = await fetch(path, init).catch((error: Error) => {
    throw new Problem(UNANSWERED, error.message);
  });
  const answer = (await response.json().catch(() => ({}))) as Answer & { error?: string; reason?: string };
  if (response.ok) return answer;
  throw new Problem(answer.error ?? UNANSWERED, answer.reason ?? response.statusText);
}
