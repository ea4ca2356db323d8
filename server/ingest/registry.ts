import type { ControlStore } from '../control/store.ts';
import type { Fields } from './csv/cells.ts';

/** Where an enrollment stands in the hub. */
export interface Placement {
  centerId: string;
  registrationNumber: string;
  accessCode: string;
}

/** A question of the bank as a document's fields, with its options. */
export type QuestionFields = Fields & { options: Record<string, string> };

/** The kinds of entries, by the first part of their key. */
interface Entries {
  /** Registration number → the student's fields. */
  student: Fields;
  /** Registration number → the center of each enrollment that is in the hub. */
  places: Record<string, string>;
  enrollment: Placement;
  /** Enrollment id → the seat the authority gave last; 'none' when it gave none. */
  seat: number | 'none';
  /** Access code → enrollment id. */
  code: string;
  question: QuestionFields;
  /** Question id → its position in each test. */
  positions: Record<string, number>;
  /** Test id → its status, and the questions of its paper by position. */
  paper: { status?: string; questions: Record<string, number> };
}

export type EntryKind = keyof Entries;

/** A key of the registry. */
export type RegistryKey = `${EntryKind}/${string}`;

/** How an import left the registry, and which hub it speaks of. */
interface State {
  hub: string;
  complete: boolean;
}

/**
 * What an import has to know and the hub cannot say at once: the students and questions that no center needs yet,
 * and where each enrollment stands. It lies in the control store. Entries are loaded and changed in memory, batch by
 * batch, and written together after the hub has taken the batch. All that concerns enrollments can be derived from
 * the hub (`rebuild.ts`), which is done when a process ended between the two.
 */
export interface Registry {
  /** Brings entries into memory; `get` knows only these. */
  load(keys: Iterable<RegistryKey>): Promise<void>;
  get<Kind extends EntryKind>(kind: Kind, key: string): Entries[Kind] | undefined;
  put<Kind extends EntryKind>(kind: Kind, key: string, value: Entries[Kind]): void;
  delete(kind: EntryKind, key: string): void;
  /** Writes what was changed and forgets what was loaded. A dry registry keeps its changes in memory instead. */
  flush(): Promise<void>;
  /** Deletes every entry of a kind. */
  clear(kind: EntryKind): Promise<void>;
  /** `undefined` for a registry that has never been written. */
  state(): Promise<State | undefined>;
  setState(state: State): Promise<void>;
}

const STATE_KEY = 'state';
const CLEAR_BATCH = 1000;

/** Opens the registry in the control store's space `registry`. */
export function openRegistry(store: ControlStore, options: { dry: boolean }): Registry {
  const space = store.space<unknown>('registry');
  const loaded = new Map<string, unknown>();
  const changed = new Map<string, unknown>();

  return {
    async load(keys) {
      const missing = [...new Set<string>(keys)].filter((key) => !loaded.has(key) && !changed.has(key));
      if (missing.length === 0) return;
      const values = await space.getMany(missing);
      for (const [index, key] of missing.entries()) loaded.set(key, values[index]);
    },
    get<Kind extends EntryKind>(kind: Kind, key: string) {
      const name = `${kind}/${key}`;
      if (changed.has(name)) return changed.get(name) as Entries[Kind] | undefined;
      if (!loaded.has(name)) throw new TypeError(`registry entry ${name} was not loaded`);
      return loaded.get(name) as Entries[Kind] | undefined;
    },
    put(kind, key, value) {
      changed.set(`${kind}/${key}`, value);
    },
    delete(kind, key) {
      changed.set(`${kind}/${key}`, undefined);
    },
    async flush() {
      loaded.clear();
      if (options.dry) return;
      await space.batch(changed);
      changed.clear();
    },
    async clear(kind) {
      let keys: [string, undefined][] = [];
      for await (const [key] of space.entries(`${kind}/`)) {
        keys.push([key, undefined]);
        if (keys.length < CLEAR_BATCH) continue;
        await space.batch(keys);
        keys = [];
      }
      await space.batch(keys);
    },
    state: () => space.get(STATE_KEY) as Promise<State | undefined>,
    setState: (state) => space.put(STATE_KEY, state),
  };
}
