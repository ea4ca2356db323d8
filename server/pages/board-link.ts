import { ask, Problem } from '../../replication/pages/ask.ts';
import { createStore, type Store } from '../../replication/pages/store.ts';
import type { BoardAnswer, BoardCenter, BoardChange, BoardSample, BoardTest } from '../board/schemas.ts';

/** The board as this page knows it. */
export interface BoardView {
  isThere: boolean;
  isLoaded: boolean;
  tests: BoardTest[];
  /** A row's object changes when the center does. */
  centers: ReadonlyMap<string, BoardCenter>;
  samples: BoardSample[];
  usualSpeed: number | null;
}

export interface BoardLink extends Pick<Store<BoardView>, 'state' | 'subscribe'> {
  close(): void;
}

/** As many as the server keeps. */
const SAMPLES_KEPT = 1920;
/** Changes that come within this are shown together. */
const SHOW_MS = 250;

/** Asks for the board once, then hears of its changes; after a break it asks again. */
export function createBoardLink(ended: () => void): BoardLink {
  const store = createStore<BoardView>({
    isThere: true,
    isLoaded: false,
    tests: [],
    centers: new Map(),
    samples: [],
    usualSpeed: null,
  });
  let waiting: BoardChange[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function load(): Promise<void> {
    try {
      const { tests, centers, samples, usualSpeed } = await ask<BoardAnswer>('GET', '/api/board');
      waiting = [];
      const byId = new Map(centers.map((center) => [center.centerId, center]));
      store.set({ isThere: true, isLoaded: true, tests, centers: byId, samples, usualSpeed });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === 'unauthorized') ended();
      else store.set({ isThere: false });
    }
  }

  function show(): void {
    timer = undefined;
    const centers = new Map(store.state.centers);
    let { tests, samples } = store.state;
    for (const change of waiting) {
      for (const center of change.centers) centers.set(center.centerId, center);
      for (const centerId of change.gone) centers.delete(centerId);
      if (change.tests) tests = change.tests;
      if (change.sample) samples = [...samples, change.sample].slice(-SAMPLES_KEPT);
    }
    waiting = [];
    store.set({ isThere: true, centers, tests, samples });
  }

  const events = new EventSource('/api/board/events');
  events.addEventListener('change', ({ data }) => {
    waiting.push(JSON.parse(data) as BoardChange);
    timer ??= setTimeout(show, SHOW_MS);
  });
  events.onopen = () => void load();
  events.onerror = () => {
    store.set({ isThere: false });
    // A session that is over looks like a server that is gone, to events.
    void load();
  };
  return {
    get state() {
      return store.state;
    },
    subscribe: store.subscribe,
    close() {
      events.close();
      clearTimeout(timer);
    },
  };
}
