import { useEffect, useState } from 'preact/hooks';

/** What a page knows, and who wants to hear when it changes. */
export interface Store<State> {
  readonly state: State;
  set(change: Partial<State>): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<State>(first: State): Store<State> {
  let state = first;
  const listeners = new Set<() => void>();
  return {
    get state() {
      return state;
    },
    set(change) {
      state = { ...state, ...change };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The state of a store; the component is shown again when it changes. */
export function useStore<State>(store: Pick<Store<State>, 'state' | 'subscribe'>): State {
  const { state } = store;
  const [, show] = useState({});
  useEffect(() => {
    // It may have changed between being shown and now.
    if (store.state !== state) show({});
    return store.subscribe(() => show({}));
  }, [store]);
  return state;
}
