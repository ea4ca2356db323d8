import type { FastifyBaseLogger } from 'fastify';
import type { DocumentId } from '../../replication/ids.ts';
import type { CenterFeed } from '../feed/feed.ts';
import { type CenterRow, followCenterRows } from './center-rows.ts';
import { createDue } from './due.ts';
import type { LogWatch } from './log-watch.ts';
import type { Receipts } from './receipts.ts';
import type { VerifyResults } from './results.ts';
import type { Verdicts } from './verdicts.ts';
import { startWorker } from './worker.ts';

/** Writes receipts and verifies what comes up from the centers. */
export interface Verification extends AsyncDisposable {
  /** Resolves when a center has its receipts for what the feed holds. @returns whether there was anything to look at. */
  settle(centerId: string): Promise<boolean>;
  /** A key has become known: results that name it are verified again. */
  keyKnown(centerId: string, keyId: string): void;
  /** Documents of a test have changed: results that wait for it are verified again. */
  testChanged(testId: string): void;
}

export interface VerificationOptions {
  feed: CenterFeed;
  log: FastifyBaseLogger;
  verdicts: Verdicts;
  receipts: Receipts;
  verify: VerifyResults;
  logWatch: LogWatch;
  /** The sequence up to which everything was handled before, and where it is kept. */
  mark: string;
  keepMark(mark: string): Promise<void>;
}

/**
 * Follows the feed's index. Receipts are written first, since nodes wait for them; verifying comes behind, one center
 * after the other. How far the index is handled is kept whenever nothing is left to do: what is read again after a
 * crash finds its receipts and its verdicts there.
 */
export function startVerification(options: VerificationOptions): Verification {
  const { feed, log, verdicts, receipts } = options;
  let { mark } = options;
  const due = createDue();
  const rows = followCenterRows({ feed, since: mark, wants, handle, onNews: () => worker.wake() });
  // What was open when the server stopped may be decided by what has come since.
  for (const centerId of verdicts.centers()) due.addResults(centerId, verdicts.open(centerId).keys());
  const worker = startWorker(work, { log, what: 'verifying results and logs' });

  function wants(centerId: string, { type, key }: DocumentId): boolean {
    if (type === 'result' || type === 'log') return true;
    return (type === 'answers' || type === 'enrollment') && verdicts.isOpen(centerId, key);
  }

  async function handle(centerId: string, changed: CenterRow[]): Promise<void> {
    const ofType = (type: string) => changed.filter(({ parts }) => parts.type === type);
    await receipts.write(centerId, ofType('result'));
    const logs = ofType('log');
    const others = changed.filter(({ parts }) => parts.type !== 'log');
    due.addResults(
      centerId,
      others.map(({ parts }) => parts.key),
    );
    due.addLogs(centerId, logs);
    worker.wake();
  }

  function recheck(centerId: string, isMeant: (waits: { tests: string[]; keys: string[] }) => boolean): void {
    const open = [...verdicts.open(centerId)].filter(([, waits]) => isMeant(waits));
    due.addResults(
      centerId,
      open.map(([enrollmentId]) => enrollmentId),
    );
    if (open.length > 0) worker.wake();
  }

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const centerId = due.next() ?? rows.next();
      if (centerId === undefined) return keepMark();
      await rows.settle(centerId);
      await verifyCenter(options, due, centerId);
    }
  }

  async function keepMark(): Promise<void> {
    const { end } = feed;
    if (end === mark || due.size > 0 || !rows.idle) return;
    await options.keepMark(end);
    mark = end;
  }

  return {
    async settle(centerId) {
      try {
        return await rows.settle(centerId);
      } catch (error) {
        log.error({ err: error, centerId }, 'receipts cannot be written; it is tried again');
        return false;
      }
    },
    keyKnown: (centerId, keyId) => recheck(centerId, ({ keys }) => keys.includes(keyId)),
    testChanged(testId) {
      for (const centerId of verdicts.centers()) recheck(centerId, ({ tests }) => tests.includes(testId));
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

/** Verifies what is due at one center; what fails stays due. */
async function verifyCenter(
  { verify, logWatch }: Pick<VerificationOptions, 'verify' | 'logWatch'>,
  due: ReturnType<typeof createDue>,
  centerId: string,
): Promise<void> {
  const { results, logs } = due.take(centerId);
  try {
    await verify(centerId, results);
    await logWatch.follow(centerId, logs);
  } catch (error) {
    due.addResults(centerId, results);
    due.addLogs(centerId, logs);
    throw error;
  }
}
