import type { ServerResponse } from 'node:http';
import { COMMENT, eventFrame } from '../../replication/event-stream.ts';
import type { SyncEvent } from './events.ts';
import { type EventLog, isLater } from './log.ts';

/** Those who listen to a center's events by an answer that does not end. */
export interface Listeners extends Disposable {
  /** Sends what came after an event, and then what comes. Ends when the client goes, or `signal` aborts. */
  add(centerId: string, raw: ServerResponse, after: string, signal: AbortSignal): Promise<void>;
  readonly count: number;
}

const HEARTBEAT_MS = 15_000;
/** A client that does not read has to come again and ask for what it missed. */
const UNREAD_BYTES = 1 << 20;

/** One answer under way. Kept small: there is one for each of thousands. */
interface Listener {
  raw: ServerResponse;
  /** What came while the past was being read; `undefined` from then on. */
  held: SyncEvent[] | undefined;
  /** The id of the last event that was sent. */
  last: string;
}

export function createListeners(log: EventLog): Listeners {
  const byCenter = new Map<string, Set<Listener>>();
  let count = 0;

  const listening = log.listen((events) => {
    for (const event of events) {
      const text = frameOf(event);
      for (const listener of byCenter.get(event.testCenter) ?? []) {
        if (listener.held) listener.held.push(event);
        else sendEvent(listener, event, text);
      }
    }
  });

  // One timer for all of them.
  const heartbeat = setInterval(() => {
    for (const listeners of byCenter.values()) for (const { raw } of listeners) send(raw, COMMENT);
  }, HEARTBEAT_MS).unref();

  function enter(centerId: string, listener: Listener): void {
    const listeners = byCenter.get(centerId) ?? new Set();
    byCenter.set(centerId, listeners.add(listener));
    count += 1;
    listener.raw.once('close', () => {
      count -= 1;
      listeners.delete(listener);
      if (listeners.size === 0) byCenter.delete(centerId);
    });
  }

  async function sendPast(centerId: string, listener: Listener, after: string): Promise<void> {
    if (after !== '') {
      const { isComplete, events } = log.ofCenter(centerId, after);
      if (!isComplete) send(listener.raw, eventFrame('gap', {}));
      for await (const event of events) sendEvent(listener, event, frameOf(event));
    }
    const held = listener.held ?? [];
    listener.held = undefined;
    for (const event of held) sendEvent(listener, event, frameOf(event));
  }

  return {
    async add(centerId, raw, after, signal) {
      const listener: Listener = { raw, held: [], last: after };
      enter(centerId, listener);
      const end = () => raw.end();
      signal.addEventListener('abort', end, { once: true });
      raw.once('close', () => signal.removeEventListener('abort', end));
      if (signal.aborted) end();
      raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      raw.write(COMMENT);
      await sendPast(centerId, listener, after);
    },
    get count() {
      return count;
    },
    [Symbol.dispose]() {
      clearInterval(heartbeat);
      listening[Symbol.dispose]();
    },
  };
}

function send(raw: ServerResponse, text: string): void {
  if (raw.destroyed || raw.writableEnded) return;
  raw.write(text);
  if (raw.writableLength > UNREAD_BYTES) raw.destroy();
}

/** What was read from the log may come again from those who append to it. */
function sendEvent(listener: Listener, { id }: SyncEvent, text: string): void {
  if (!isLater(id, listener.last)) return;
  send(listener.raw, text);
  listener.last = id;
}

function frameOf(event: SyncEvent): string {
  return eventFrame(event.type, event, event.id);
}
