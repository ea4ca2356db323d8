import { SyncError } from '../../replication/errors.ts';
import { type ChangesEnd, type ChangesRow, RowReader } from './rows.ts';
import type { Send } from './transport.ts';

/** A `_changes` answer as the replicator expects it. */
export interface ChangesPage {
  results: ChangesRow[];
  last_seq: string;
  pending: number | undefined;
}

/**
 * The center's changes in the pages that PouchDB's replicator asks for, cut out of one long answer: a page then costs
 * no round trip. The answer is read only as far as pages are asked for. What came whole before a cut is a page too,
 * so even a line that never lasts makes progress.
 */
export interface ChangesPages {
  page(since: string, limit: number, signal: AbortSignal | undefined): Promise<ChangesPage>;
  /** Asks for what follows `since` before the first page of it is wanted. */
  ahead(since: string): void;
  close(): Promise<void>;
}

/** Rows in one answer. */
const ANSWER_ROWS = 50_000;

interface Answer {
  /** The seq after which its next row stands. */
  at: string;
  readonly rows: ChangesRow[];
  received: number;
  /** Reads on; false at the end. */
  read(): Promise<boolean>;
  end: ChangesEnd | undefined;
  /** Whether its end was told of. */
  told: boolean;
  failure: unknown;
  cancel(): Promise<void>;
}

export function createChangesPages(
  send: Send,
  replicaUrl: string,
  {
    withBodies,
    ended,
  }: { withBodies(since: string): boolean; ended?: ((end: ChangesEnd) => void) | undefined },
): ChangesPages {
  let answer: Answer | undefined;
  let early: { since: string; answer: Promise<Answer> } | undefined;

  async function close(): Promise<void> {
    const closing = [answer, await early?.answer.catch(() => undefined)];
    answer = undefined;
    early = undefined;
    for (const one of closing) await one?.cancel();
  }

  async function open(since: string, signal: AbortSignal | undefined): Promise<Answer> {
    const query = new URLSearchParams({ style: 'all_docs', since, limit: String(ANSWER_ROWS) });
    if (withBodies(since)) query.set('bodies', 'true');
    const url = `${replicaUrl}/_changes?${query}`;
    return readAnswer(
      await send({ method: 'GET', url, headers: { accept: 'application/json' }, signal }),
      since,
    );
  }

  return {
    async page(since, limit, signal) {
      if (early?.since === since) {
        answer = await early.answer.finally(() => {
          early = undefined;
        });
      } else if (answer?.at !== since) {
        await close();
        answer = await open(since, signal);
      }
      const source = answer;
      while (source.rows.length < limit && (await source.read())) {
        // Reading fills `rows`.
      }
      const results = source.rows.splice(0, limit);
      if (results.length === 0 && source.failure) {
        answer = undefined;
        throw source.failure;
      }
      const isLast = source.rows.length === 0 && source.end !== undefined;
      const last = results.at(-1);
      // After the last row stands what the answer ends with: one checkpoint for both, not two.
      if (last && isLast) last.seq = (source.end as ChangesEnd).last_seq;
      source.at = last?.seq ?? source.at;
      if (isLast && !source.told) ended?.(source.end as ChangesEnd);
      source.told ||= isLast;
      const page = {
        results,
        last_seq: isLast ? (source.end as ChangesEnd).last_seq : source.at,
        pending: isLast ? 0 : undefined,
      };
      // "Nothing follows" is true once, for the replicator that asks now; and an answer that was cut has no more.
      const isSpent = source.rows.length === 0 && (source.failure || source.received >= ANSWER_ROWS);
      if (isSpent || results.length === 0) answer = undefined;
      return page;
    },
    ahead(since) {
      early?.answer.then((unwanted) => unwanted.cancel()).catch(() => {});
      early = { since, answer: open(since, undefined) };
      // Who asks for the page hears of a failure.
      early.answer.catch(() => {});
    },
    close,
  };
}

async function readAnswer(response: Response, since: string): Promise<Answer> {
  if (!response.ok) throw await refusal(response);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const parser = new RowReader();
  const answer: Answer = {
    at: since,
    rows: [],
    received: 0,
    end: undefined,
    told: false,
    failure: undefined,
    async read() {
      if (answer.end || answer.failure) return false;
      try {
        const { done, value } = await reader.read();
        if (!done) {
          const rows = parser.push(value);
          answer.received += rows.length;
          for (const row of rows) answer.rows.push(row);
          return true;
        }
        answer.end = parser.end();
        answer.failure = answer.end ? undefined : new SyncError('unreachable', 'an answer broke off');
      } catch (error) {
        answer.failure = error;
      }
      return false;
    },
    cancel: () => reader.cancel(),
  };
  return answer;
}

async function refusal(response: Response): Promise<unknown> {
  const text = await response.text();
  let body: { error?: string; reason?: string } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // A proxy's page, not the server's word: the status says enough.
  }
  const reason = body.reason ?? `the answer was HTTP ${response.status}`;
  return Object.assign(new Error(reason), {
    status: response.status,
    name: body.error ?? 'unknown',
    error: body.error ?? 'unknown',
    reason,
  });
}
