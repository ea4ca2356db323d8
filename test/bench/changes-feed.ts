import { percentile } from './percentile.ts';
import type { Row } from './row.ts';
import { milliseconds } from './row.ts';

/** Remembers when each document was first seen in a database's changes. */
export interface SeenDocuments extends AsyncDisposable {
  /** When it came, in milliseconds of `performance.now()`. */
  seen(id: string): Promise<number>;
}

/** Follows a CouchDB database's changes from now on. */
export async function followChanges(url: string, authorization?: string): Promise<SeenDocuments> {
  const gone = new AbortController();
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(`${url}/_changes?feed=continuous&since=now&heartbeat=5000`, {
    headers,
    signal: gone.signal,
  });
  const arrivals = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();

  async function read(): Promise<void> {
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const id = /"id":"([^"]+)"/.exec(line)?.[1];
        if (id === undefined || arrivals.has(id)) continue;
        arrivals.set(id, performance.now());
        waiting.get(id)?.(performance.now());
      }
    }
  }

  const reading = read().catch(() => {});
  return {
    seen(id) {
      const at = arrivals.get(id);
      return at === undefined ? new Promise((resolve) => void waiting.set(id, resolve)) : Promise.resolve(at);
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await reading;
    },
  };
}

/** A line for a delay of which the 99th percentile counts. */
export function delayRow(what: string, delaysMs: readonly number[], limitMs: number): Row {
  const p99 = percentile(delaysMs, 99);
  return {
    what,
    ours: milliseconds(p99),
    stock: '',
    ratio: '',
    target: limitMs < 1000 ? `≤ ${limitMs} ms` : `≤ ${limitMs / 1000} s`,
    met: p99 <= limitMs,
  };
}
