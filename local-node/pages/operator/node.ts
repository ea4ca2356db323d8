import { type AskOptions, ask, Problem } from '../../../replication/pages/ask.ts';
import { createStore, type Store } from '../../../replication/pages/store.ts';
import type { LogAnswer, RosterAnswer, TestsAnswer } from '../../routes/roster.ts';
import type { StatusAnswer } from '../../routes/schemas.ts';

export type Test = TestsAnswer['tests'][number];
export type Candidate = RosterAnswer['candidates'][number];
export type LogEntry = LogAnswer['entries'][number];
export type Status = StatusAnswer;

/** What the page knows of the node. */
export interface NodeView {
  status?: Status;
  /** False while the node does not answer. */
  isThere: boolean;
  tests?: TestsAnswer;
  /** The test whose candidates are shown; the next one unless another was chosen. */
  testId?: string;
  candidates?: Candidate[];
  /** Whether what needs the PIN can be asked. */
  isUnlocked: boolean;
}

/** The node, seen from its operator's page. */
export interface NodeLink extends Pick<Store<NodeView>, 'state' | 'subscribe'> {
  /** Asks with the PIN when there is one. @throws Problem. */
  ask<Answer>(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** @throws Problem when it is not the PIN. */
  unlock(pin: string): Promise<void>;
  lock(): void;
  chooseTest(testId: string): void;
  /** Asks again what no event tells. */
  refresh(): Promise<void>;
}

const REFRESH_MS = 5000;
/** Replicating and verifying a center takes as long as the line lets it. */
export const LONG_MS = 30 * 60_000;
const HERE = new Set(['localhost', '127.0.0.1', '[::1]']);

export function createNodeLink(): NodeLink {
  // From another machine the browser itself has asked for the PIN, and sends it.
  const isElsewhere = !HERE.has(location.hostname);
  const store = createStore<NodeView>({ isThere: true, isUnlocked: isElsewhere });
  let pin: string | undefined;

  function askNode<Answer>(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    if (pin === undefined) return ask(method, path, options);
    const headers = { ...options.headers, authorization: `Basic ${btoa(`operator:${pin}`)}` };
    return ask(method, path, { ...options, headers });
  }

  async function refresh(): Promise<void> {
    try {
      // Events tell of replication; what candidates do changes the status too.
      const [tests, status] = await Promise.all([
        askNode<TestsAnswer>('GET', '/api/tests'),
        askNode<Status>('GET', '/api/status'),
      ]);
      store.set({ tests, status, isThere: true });
      await refreshCandidates();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  async function refreshCandidates(): Promise<void> {
    const { tests, testId = tests?.tests[0]?.testId, isUnlocked } = store.state;
    if (!isUnlocked || testId === undefined) return;
    const path = `/api/operator/candidates?test=${encodeURIComponent(testId)}`;
    const { candidates } = await askNode<RosterAnswer>('GET', path);
    store.set({ candidates });
  }

  function lock(): void {
    pin = undefined;
    store.set({ isUnlocked: isElsewhere, candidates: [] });
  }

  const events = new EventSource('/api/events');
  events.addEventListener('status', ({ data }) => store.set({ status: JSON.parse(data), isThere: true }));
  events.onerror = () => store.set({ isThere: false });
  setInterval(refresh, REFRESH_MS);
  void refresh();
  return {
    get state() {
      return store.state;
    },
    subscribe: store.subscribe,
    ask: askNode,
    async unlock(tried) {
      const authorization = `Basic ${btoa(`operator:${tried}`)}`;
      await ask('GET', '/api/operator/sessions', { headers: { authorization } });
      pin = tried;
      store.set({ isUnlocked: true });
      await refresh();
    },
    lock,
    chooseTest(testId) {
      store.set({ testId, candidates: [] });
      void refresh();
    },
    refresh,
  };
}
