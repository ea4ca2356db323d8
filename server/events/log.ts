import type { ControlStore } from '../control/store.ts';
import type { HubMark } from '../hub-follower.ts';
import type { Happening, SyncEvent, Told } from './events.ts';

/**
 * The newest events, in the control store: by id for those who publish them, and by center for those who listen.
 * Beside them lies what was last told of each document, and up to where the hub was read, in one batch with them.
 */
export interface EventLog {
  append(happenings: readonly Happening[], told?: ToldBatch): Promise<void>;
  told(documentIds: readonly string[]): Promise<(Told | undefined)[]>;
  mark(): Promise<HubMark | undefined>;
  /** Whether the hub was once read to its end; before that nothing is told. */
  readonly isPrimed: boolean;
  primed(): Promise<void>;
  /** Events of all centers after an id, in order. */
  after(id: string): AsyncIterable<SyncEvent>;
  /** Events of one center after an id, in order; `isComplete` is false when older ones are not kept any more. */
  ofCenter(centerId: string, id: string): { isComplete: boolean; events: AsyncIterable<SyncEvent> };
  listen(listener: (events: SyncEvent[]) => void): Disposable;
}

/** What a batch of changes leaves behind besides events. */
export interface ToldBatch {
  documents: Map<string, Told>;
  mark: HubMark;
}

/** How many events are kept. */
const KEPT = 50_000;
const MARK = 'm/mark';
const PRIMED = 'm/primed';

/** @param now in milliseconds. */
export async function openEventLog(store: ControlStore, now: () => number = Date.now): Promise<EventLog> {
  const space = store.space<unknown>('events');
  const keys: { id: string; testCenter: string }[] = [];
  for await (const [key, event] of space.entries('a/')) {
    keys.push({ id: key.slice('a/'.length), testCenter: (event as SyncEvent).testCenter });
  }
  const listeners = new Set<(events: SyncEvent[]) => void>();
  let isPrimed = (await space.get(PRIMED)) === true;
  let newest = keys.at(-1)?.id ?? '';
  /** What is not kept any more is older than this. */
  let forgotten = keys.length >= KEPT ? (keys[0]?.id ?? '') : '';
  let appending: Promise<unknown> = Promise.resolve();

  function stamp({ type, testCenter, data }: Happening): SyncEvent {
    const [lastMs = 0, lastCount = 0] = newest.split('-').map(Number);
    const isLater = now() > lastMs;
    const [ms, count] = isLater ? [now(), 0] : [lastMs, lastCount + 1];
    newest = keyOf(`${ms}-${count}`);
    const timestamp = new Date(ms).toISOString();
    return { id: `${ms}-${count}`, type, testCenter, timestamp, version: 1, data };
  }

  async function write(happenings: readonly Happening[], told: ToldBatch | undefined): Promise<void> {
    const events = happenings.map(stamp);
    const entries: [string, unknown][] = [];
    for (const event of events) {
      const id = keyOf(event.id);
      keys.push({ id, testCenter: event.testCenter });
      entries.push([`a/${id}`, event], [`c/${event.testCenter}/${id}`, event]);
    }
    for (const { id, testCenter } of keys.splice(0, Math.max(0, keys.length - KEPT))) {
      entries.push([`a/${id}`, undefined], [`c/${testCenter}/${id}`, undefined]);
      forgotten = id;
    }
    for (const [id, document] of told?.documents ?? []) entries.push([`s/${id}`, document]);
    if (told) entries.push([MARK, told.mark]);
    if (entries.length > 0) await space.batch(entries);
    if (events.length > 0) for (const listener of listeners) listener(events);
  }

  return {
    append(happenings, told) {
      const appended = appending.then(() => write(happenings, told));
      appending = appended.catch(() => {});
      return appended;
    },
    told: (ids) => space.getMany(ids.map((id) => `s/${id}`)) as Promise<(Told | undefined)[]>,
    mark: () => space.get(MARK) as Promise<HubMark | undefined>,
    get isPrimed() {
      return isPrimed;
    },
    async primed() {
      await space.put(PRIMED, true);
      isPrimed = true;
    },
    after: (id) => eventsOf(space.entries('a/', `a/${keyOf(id)}`)),
    ofCenter(centerId, id) {
      const prefix = `c/${centerId}/`;
      const events = eventsOf(space.entries(prefix, `${prefix}${keyOf(id)}`));
      return { isComplete: keyOf(id) >= forgotten, events };
    },
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Whether a text is an event's id. */
export function isEventId(text: string): boolean {
  return /^\d{1,14}-\d{1,6}$/.test(text);
}

/** Whether an event came after another. */
export function isLater(id: string, than: string): boolean {
  return keyOf(id) > keyOf(than);
}

async function* eventsOf(entries: AsyncIterable<[string, unknown]>): AsyncGenerator<SyncEvent> {
  for await (const [, event] of entries) yield event as SyncEvent;
}

/** An id as its key: of one width, so that keys sort as the events came. */
function keyOf(id: string): string {
  const [ms = '', count = ''] = id.split('-');
  return id === '' ? '' : `${ms.padStart(14, '0')}-${count.padStart(6, '0')}`;
}
