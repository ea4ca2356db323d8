import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { SyncError } from '../replication/errors.ts';
import { createGuessLimit, isLoopback } from './guess-limit.ts';
import type { NodeState } from './state.ts';

/** The operator of this node, who is known by a PIN. */
export interface Operator {
  /** Whether a PIN has been chosen. */
  readonly hasPin: boolean;
  /** @throws SyncError bad_request for one that is too easy to guess. */
  setPin(pin: string): Promise<void>;
  /**
   * Checks a PIN that was given from an address. @throws SyncError unauthorized; too_many_requests after several wrong
   * ones from there, or many from all other machines, whatever is given then, until a minute has passed.
   */
  check(pin: string, address: string): Promise<void>;
}

interface StoredPin {
  salt: string;
  cost: number;
  hash: string;
}

/** 16 MiB and some 40 ms: a PIN has few digits, so each guess at a stolen file must cost something. */
const SCRYPT_COST = 16_384;
const HASH_BYTES = 32;
const LEAST_DIGITS = 6;
const FREE_FAILURES = 5;
/** From all other machines together: one that takes ever new addresses is stopped too, the operator's own is not. */
const FREE_FAILURES_ELSEWHERE = 30;
const LOCKED_MS = 60_000;

export async function openOperator(
  state: NodeState,
  now: () => number = () => performance.now(),
): Promise<Operator> {
  const space = state.space<StoredPin>('operator');
  let stored = await space.get('pin');
  const limit = createGuessLimit({ failures: FREE_FAILURES, windowMs: LOCKED_MS, now });
  const elsewhere = createGuessLimit({ failures: FREE_FAILURES_ELSEWHERE, windowMs: LOCKED_MS, now });
  let last: Promise<unknown> = Promise.resolve();

  async function check(pin: string, address: string): Promise<void> {
    if (!stored) throw new SyncError('unauthorized', 'no PIN is set on this node yet: run "cbt-node pin"');
    limit.refuseGuesser(address, 'PINs');
    if (!isLoopback(address)) elsewhere.refuseGuesser('', 'PINs');
    const hash = await hashOf(pin, stored.salt, stored.cost);
    if (timingSafeEqual(hash, Uint8Array.from(Buffer.from(stored.hash, 'base64')))) {
      limit.forgive(address);
      return;
    }
    limit.fail(address);
    if (!isLoopback(address)) elsewhere.fail('');
    throw new SyncError('unauthorized', 'this is not the operator’s PIN');
  }

  return {
    get hasPin() {
      return stored !== undefined;
    },
    async setPin(pin) {
      if (!/^\d+$/.test(pin) || pin.length < LEAST_DIGITS || new Set(pin).size < 3) {
        const reason = `the PIN needs at least ${LEAST_DIGITS} digits, three of them different`;
        throw new SyncError('bad_request', reason);
      }
      const salt = randomBytes(16).toString('base64');
      const hash = Buffer.from(await hashOf(pin, salt, SCRYPT_COST)).toString('base64');
      const record = { salt, cost: SCRYPT_COST, hash };
      await space.put('pin', record);
      stored = record;
    },
    check(pin, address) {
      // One after the other: of guesses that come at once, each must know how the one before went.
      const checked = last.then(() => check(pin, address));
      last = checked.catch(() => {});
      return checked;
    },
  };
}

function hashOf(pin: string, salt: string, cost: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, HASH_BYTES, { N: cost }, (error, hash) => {
      if (error) reject(error);
      else resolve(Uint8Array.from(hash));
    });
  });
}
