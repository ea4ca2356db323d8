/**
 * Wrong credentials, counted for each name and address. Pure but for its memory: `now` is passed in, in milliseconds.
 * An address that has failed too often is told how long to wait; no other address and no other name is hindered.
 */
export interface Attempts {
  /** Seconds to wait, 0 for none. */
  waitSeconds(name: string, address: string, now: number): number;
  failed(name: string, address: string, now: number): void;
}

const WINDOW_MS = 5 * 60_000;
const FOR_NAME = 10;
/** One address that tries many names. */
const FOR_ADDRESS = 100;
/** Beyond this the oldest are forgotten: memory stays bounded whoever tries. */
const REMEMBERED = 10_000;

export function createAttempts(): Attempts {
  const failures = new Map<string, number[]>();

  function recent(key: string, now: number): number[] {
    return (failures.get(key) ?? []).filter((at) => at > now - WINDOW_MS);
  }

  function add(key: string, limit: number, now: number): void {
    const times = [...recent(key, now), now].slice(-limit);
    // Anew at the end: the map's order is the order of the last failures.
    failures.delete(key);
    failures.set(key, times);
    for (const oldest of failures.keys()) {
      if (failures.size <= REMEMBERED) break;
      failures.delete(oldest);
    }
  }

  function wait(key: string, limit: number, now: number): number {
    const times = recent(key, now);
    const [oldest] = times;
    if (oldest === undefined || times.length < limit) return 0;
    return Math.ceil((oldest + WINDOW_MS - now) / 1000);
  }

  const keysOf = (name: string, address: string): [string, number][] => [
    [JSON.stringify([name, address]), FOR_NAME],
    [JSON.stringify([address]), FOR_ADDRESS],
  ];

  return {
    waitSeconds: (name, address, now) =>
      Math.max(...keysOf(name, address).map(([key, limit]) => wait(key, limit, now))),
    failed(name, address, now) {
      for (const [key, limit] of keysOf(name, address)) add(key, limit, now);
    },
  };
}
