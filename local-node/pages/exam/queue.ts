import { Problem } from '../../../replication/pages/ask.ts';
import type { Kept, Save } from './kept.ts';

/** Sends saves to the node until it has acknowledged each; of a question, the newest alone. */
export interface SaveQueue {
  /** The saves that the node has not acknowledged, by question. */
  readonly waiting: ReadonlyMap<string, Save>;
  add(questionId: string, choice: string | null): void;
  /** Resolves when nothing waits any more. @throws Problem that ended the queue. */
  drained(): Promise<void>;
  /** Tries again now what waits for another attempt. */
  hurry(): void;
  close(): void;
}

export interface QueueOptions {
  sessionId: string;
  /** The highest number that was used so far. */
  n: number;
  kept: Kept;
  /** What waited there. */
  waiting: readonly Save[];
  /** @throws Problem. */
  send(save: Save): Promise<{ outcome: 'saved' | 'repeated' | 'superseded' }>;
  /** The highest number that the node knows by now. */
  askHighest(): Promise<number>;
  changed(): void;
  /** Another machine has saved a later answer to a question. */
  superseded(): void;
  /** A save failed, to be tried again; `undefined` when one has gone well. */
  failed(problem: Problem | undefined): void;
  /** The node takes nothing more of this session. */
  ended(problem: Problem): void;
}

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 5000;

export function createSaveQueue(options: QueueOptions): SaveQueue {
  const { sessionId, kept, send, changed } = options;
  const waiting = new Map(options.waiting.map((save) => [save.questionId, save]));
  const drains = new Set<PromiseWithResolvers<void>>();
  let { n } = options;
  let pauseMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSending = false;
  let isClosed = false;

  function put(questionId: string, choice: string | null): void {
    n += 1;
    const save = { sessionId, questionId, choice, n };
    waiting.set(questionId, save);
    // What cannot be kept here is still sent.
    kept.putSave(save).catch(() => {});
  }

  async function drain(): Promise<void> {
    if (isSending || isClosed) return;
    isSending = true;
    clearTimeout(timer);
    try {
      for (let next = first(); next && !isClosed; next = first()) await sendOne(next);
      if (!isClosed) for (const { resolve } of drains) resolve();
    } catch (error) {
      give(error as Problem);
    } finally {
      isSending = false;
    }
  }

  function first(): Save | undefined {
    return [...waiting.values()].sort((a, b) => a.n - b.n)[0];
  }

  async function sendOne(save: Save): Promise<void> {
    const outcome = await send(save).then(
      (answer) => answer.outcome,
      async (problem: Problem) => {
        if (problem.code !== 'conflict') throw problem;
        return 'number used' as const;
      },
    );
    pauseMs = 0;
    options.failed(undefined);
    if (outcome === 'number used') return renumber(save);
    if (waiting.get(save.questionId)?.n === save.n) waiting.delete(save.questionId);
    await kept.removeSave(save).catch(() => {});
    if (outcome === 'superseded') options.superseded();
    changed();
  }

  /** Another machine has used the number for another choice. The candidate chose here, so this is a later save. */
  async function renumber({ questionId, n: used }: Save): Promise<void> {
    n = Math.max(n, await options.askHighest());
    const newest = waiting.get(questionId);
    if (newest?.n === used) put(questionId, newest.choice);
  }

  function give(problem: Problem): void {
    if (isClosed) return;
    if (!problem.isPassing) {
      isClosed = true;
      for (const { reject } of drains) reject(problem);
      options.ended(problem);
      return;
    }
    options.failed(problem);
    pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, pauseMs * 2), LONGEST_PAUSE_MS);
    timer = setTimeout(drain, pauseMs);
  }

  void drain();
  return {
    waiting,
    add(questionId, choice) {
      put(questionId, choice);
      changed();
      void drain();
    },
    async drained() {
      if (waiting.size === 0) return;
      const drained = Promise.withResolvers<void>();
      drains.add(drained);
      await drained.promise.finally(() => drains.delete(drained));
    },
    hurry: () => void drain(),
    close() {
      isClosed = true;
      clearTimeout(timer);
      for (const { reject } of drains) reject(new Problem('closed', 'the session was left'));
    },
  };
}
