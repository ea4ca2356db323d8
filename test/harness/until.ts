import { setTimeout as delay } from 'node:timers/promises';

/** How long a wait may take at most, and what is waited for, in words for the error. */
export interface Deadline {
  what: string;
  withinMs?: number;
}

const POLL_MS = 15;

/**
 * Asks until the answer is neither `undefined` nor `false`, and returns it. For what another process does and tells
 * nobody of; where there is an event, wait for that.
 * @throws Error that names what was waited for, and the last failure, when the deadline has passed.
 */
export async function until<Answer>(
  ask: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  { what, withinMs = 20_000 }: Deadline,
): Promise<Answer> {
  const end = performance.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > end) {
      throw new Error(`not within ${withinMs} ms: ${what}`, { cause: failure });
    }
    await delay(POLL_MS);
  }
}
