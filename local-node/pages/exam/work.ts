import { type AskOptions, ask, type Problem, UNANSWERED } from '../../../replication/pages/ask.ts';
import { createStore, type Store } from '../../../replication/pages/store.ts';
import type { AdmissionView, SessionTime, SessionView } from '../../exam/view.ts';
import type { Kept, Save } from './kept.ts';
import { createSaveQueue, type SaveQueue } from './queue.ts';

/** A candidate's way through the exam, as this browser knows it. */
export interface WorkState {
  phase: 'opening' | 'code' | 'confirm' | 'working' | 'ended';
  accessCode: string;
  admission?: AdmissionView;
  view?: SessionView;
  /** The choices as they are shown, saved or not. */
  answers: Readonly<Record<string, string | null>>;
  /** The questions whose answers the node has not acknowledged. */
  unsaved: ReadonlySet<string>;
  /** When the session is over, by this page's clock (`performance.now`). */
  endsAtMs: number;
  at: number;
  flags: ReadonlySet<string>;
  /** Why the node does not take anything at the moment. */
  trouble: Problem | undefined;
  /** Why the last step was not done. */
  problem: Problem | undefined;
}

export interface Work extends Pick<Store<WorkState>, 'state' | 'subscribe'> {
  /** Goes on with the session that this browser remembers. */
  open(): Promise<void>;
  check(accessCode: string): Promise<void>;
  begin(): Promise<void>;
  choose(questionId: string, choice: string | null): void;
  flag(questionId: string): void;
  go(to: number): void;
  submit(): Promise<void>;
  /** Asks how much time is left, and whether the session still runs. */
  lookAtClock(): Promise<void>;
  /** Back to the door, for the next candidate or another code. */
  leave(): void;
}

const FIRST: WorkState = {
  phase: 'opening',
  accessCode: '',
  answers: {},
  unsaved: new Set(),
  endsAtMs: 0,
  at: 0,
  flags: new Set(),
  trouble: undefined,
  problem: undefined,
};

const pathOf = (sessionId: string) => `/api/sessions/${encodeURIComponent(sessionId)}`;

export function createWork(kept: Kept): Work {
  const store = createStore<WorkState>(FIRST);
  let queue: SaveQueue | undefined;

  const endsIn = (remainingMs: number) => ({ endsAtMs: performance.now() + remainingMs });
  const sessionId = () => store.state.view?.sessionId ?? '';

  /** Asks, and keeps what went wrong for the page to show. */
  async function attempt<Answer>(
    method: string,
    path: string,
    options?: AskOptions,
  ): Promise<Answer | undefined> {
    store.set({ problem: undefined });
    try {
      return await ask<Answer>(method, path, options);
    } catch (error) {
      store.set({ problem: error as Problem });
      return undefined;
    }
  }

  async function take(view: SessionView): Promise<void> {
    const waiting = newer(view, [
      ...(await kept.savesOf(view.sessionId)),
      ...(queue?.waiting.values() ?? []),
    ]);
    if (view.status === 'submitted') return end(view, waiting);
    const answers = Object.fromEntries(Object.entries(view.answers).map(([id, { choice }]) => [id, choice]));
    for (const { questionId, choice } of waiting) answers[questionId] = choice;
    const place = await kept.place();
    const { at, flags } = place?.sessionId === view.sessionId ? place : { at: 0, flags: [] };
    queue?.close();
    queue = startQueue(view, waiting);
    const unsaved = new Set(queue.waiting.keys());
    const shown = { at: Math.min(at, (view.questions?.length ?? 1) - 1), flags: new Set(flags) };
    store.set({ phase: 'working', view, answers, unsaved, ...shown, ...endsIn(view.remainingMs) });
    keepPlace();
  }

  function keepPlace(): void {
    const { at, flags } = store.state;
    // A machine that cannot keep it asks for the access code again.
    kept.putPlace({ sessionId: sessionId(), at, flags: [...flags] }).catch(() => {});
  }

  function startQueue(view: SessionView, waiting: readonly Save[]): SaveQueue {
    const path = pathOf(view.sessionId);
    return createSaveQueue({
      sessionId: view.sessionId,
      n: Math.max(view.n, ...waiting.map(({ n }) => n)),
      kept,
      waiting,
      send: ({ questionId, choice, n }) =>
        ask('PUT', `${path}/answers/${encodeURIComponent(questionId)}`, { body: { choice, n } }),
      askHighest: async () => (await ask<SessionView>('GET', path)).n,
      changed: () => store.set({ unsaved: new Set(queue?.waiting.keys()) }),
      superseded: () => void ask<SessionView>('GET', path).then(take, () => {}),
      failed: (trouble) => {
        if (trouble?.code !== store.state.trouble?.code) store.set({ trouble });
      },
      ended: over,
    });
  }

  /** The node takes nothing more: the session is over, or this node does not know it. */
  async function over(problem: Problem): Promise<void> {
    if (problem.code === 'not_found') {
      queue?.close();
      store.set({ phase: 'code', problem, accessCode: '' });
      return;
    }
    const view = await attempt<SessionView>('GET', pathOf(sessionId()));
    if (view) await take(view);
  }

  function end(view: SessionView, lost: readonly Save[]): void {
    queue?.close();
    const unsaved = new Set(lost.map(({ questionId }) => questionId));
    store.set({ phase: 'ended', view, unsaved, trouble: undefined, problem: undefined });
  }

  return {
    get state() {
      return store.state;
    },
    subscribe: store.subscribe,
    async open() {
      const place = await kept.place();
      if (!place) return store.set({ phase: 'code' });
      const view = await attempt<SessionView>('GET', pathOf(place.sessionId));
      if (view) return take(view);
      // A node that does not answer now will; one that does not know the session needs the access code.
      if (!store.state.problem?.isPassing) store.set({ phase: 'code' });
    },
    async check(accessCode) {
      const admission = await attempt<AdmissionView>('POST', '/api/admission', { body: { accessCode } });
      if (admission) store.set({ phase: 'confirm', admission, accessCode });
    },
    async begin() {
      const { accessCode } = store.state;
      const view = await attempt<SessionView>('POST', '/api/sessions', { body: { accessCode } });
      if (view) await take(view);
    },
    choose(questionId, choice) {
      if (store.state.phase !== 'working' || (store.state.answers[questionId] ?? null) === choice) return;
      store.set({ answers: { ...store.state.answers, [questionId]: choice } });
      queue?.add(questionId, choice);
    },
    flag(questionId) {
      const flags = new Set(store.state.flags);
      if (!flags.delete(questionId)) flags.add(questionId);
      store.set({ flags });
      keepPlace();
    },
    go(to) {
      const last = (store.state.view?.questions?.length ?? 1) - 1;
      const at = Math.max(0, Math.min(last, to));
      store.set({ at });
      keepPlace();
    },
    async submit() {
      queue?.hurry();
      const isSaved = await queue?.drained().then(
        () => true,
        () => false,
      );
      if (!isSaved) return;
      const view = await attempt<SessionView>('POST', `${pathOf(sessionId())}/submit`);
      if (view) end(view, []);
      else if (store.state.problem?.code === 'session_submitted') await over(store.state.problem);
    },
    async lookAtClock() {
      try {
        const time = await ask<SessionTime>('GET', `${pathOf(sessionId())}/time`);
        if (store.state.trouble?.code === UNANSWERED) store.set({ trouble: undefined });
        if (time.status === 'submitted')
          return await take(await ask<SessionView>('GET', pathOf(sessionId())));
        store.set(endsIn(time.remainingMs));
        if (queue && queue.waiting.size > 0) queue.hurry();
      } catch (error) {
        const problem = error as Problem;
        if (problem.code === 'not_found') await over(problem);
        else store.set({ trouble: problem });
      }
    },
    leave() {
      queue?.close();
      kept.removePlace().catch(() => {});
      for (const save of queue?.waiting.values() ?? []) kept.removeSave(save).catch(() => {});
      queue = undefined;
      store.set({ ...FIRST, phase: 'code' });
    },
  };
}

/** Saves of this session that wait here and are later than what the node has; the newest of each question. */
function newer({ sessionId, answers }: SessionView, waiting: readonly Save[]): Save[] {
  const newest = new Map<string, Save>();
  for (const save of waiting) {
    const { questionId, n } = save;
    const known = Math.max(answers[questionId]?.n ?? 0, newest.get(questionId)?.n ?? 0);
    if (save.sessionId === sessionId && n > known) newest.set(questionId, save);
  }
  return [...newest.values()];
}
