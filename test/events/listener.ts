import type { SyncEvent } from '../../server/events/events.ts';
import type { CenterAccess } from '../harness/server.ts';
import { until } from '../harness/until.ts';

/** A client of a center's server-sent events. */
export interface Listener extends AsyncDisposable {
  /** All that has come. */
  readonly events: SyncEvent[];
  /** The same as they came. */
  readonly frames: string[];
  /** The next so many events. */
  next(count: number): Promise<SyncEvent[]>;
  /** Resolves when the server has ended the answer. */
  readonly ended: Promise<void>;
}

/** Resolves when the server has begun to answer: from then on no event is missed. */
export async function listen(
  url: string,
  { centerId, authorization }: CenterAccess,
  after?: string,
): Promise<Listener> {
  const gone = new AbortController();
  const response = await fetch(`${url}/sync/events/${centerId}`, {
    headers: { authorization, ...(after === undefined ? {} : { 'last-event-id': after }) },
    signal: gone.signal,
  });
  if (response.status !== 200) throw new Error(`events answered ${response.status}`);
  const events: SyncEvent[] = [];
  const texts: string[] = [];
  let taken = 0;

  async function read(): Promise<void> {
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const frames = (rest + chunk).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data === undefined) continue;
        events.push(JSON.parse(data) as SyncEvent);
        texts.push(frame);
      }
    }
  }

  const ended = read().catch((error: Error) => {
    if (!gone.signal.aborted) throw error;
  });
  return {
    events,
    frames: texts,
    ended,
    async next(count) {
      await until(() => events.length >= taken + count, { what: `${count} more events after ${taken}` });
      taken += count;
      return events.slice(taken - count, taken);
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await ended;
    },
  };
}
