import { isIP } from 'node:net';
import { SyncError } from '../replication/errors.ts';

/** Counts wrong guesses by address. */
export interface GuessLimit {
  /** @throws SyncError too_many_requests while there were too many wrong ones of late. */
  refuseGuesser(address: string, what: string): void;
  fail(address: string): void;
  forgive(address: string): void;
}

export function createGuessLimit({
  failures,
  windowMs,
  now,
}: {
  failures: number;
  windowMs: number;
  now: () => number;
}): GuessLimit {
  const wrong = new Map<string, { count: number; since: number }>();
  return {
    refuseGuesser(address, what) {
      const known = wrong.get(address);
      if (!known) return;
      if (now() - known.since >= windowMs) wrong.delete(address);
      else if (known.count >= failures) {
        const seconds = Math.ceil((windowMs - (now() - known.since)) / 1000);
        throw new SyncError('too_many_requests', `too many wrong ${what}: try again in ${seconds} s`);
      }
    },
    fail(address) {
      const known = wrong.get(address);
      wrong.set(address, { count: (known?.count ?? 0) + 1, since: now() });
      for (const [other, { since }] of wrong) if (now() - since >= windowMs) wrong.delete(other);
    },
    forgive: (address) => void wrong.delete(address),
  };
}

/** Whether an address is this machine's own. */
export function isLoopback(address: string): boolean {
  if (address === '::1') return true;
  const v4 = address.replace(/^::ffff:/, '');
  return isIP(v4) === 4 && v4.startsWith('127.');
}
