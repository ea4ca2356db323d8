/** A save of an answer that the node has not acknowledged yet. */
export interface Save {
  sessionId: string;
  questionId: string;
  choice: string | null;
  n: number;
}

/** The session that this machine is in, and where in it. */
export interface Place {
  sessionId: string;
  /** The question that is shown. */
  at: number;
  flags: string[];
}

/** What this browser keeps beyond a crash of its own: localStorage reaches the disk seconds later, this at once. */
export interface Kept {
  /** The saves of a session that wait. Of each question only the newest one does. */
  savesOf(sessionId: string): Promise<Save[]>;
  putSave(save: Save): Promise<void>;
  /** Takes a save out, unless a newer one of its question has come. */
  removeSave(save: Save): Promise<void>;
  place(): Promise<Place | undefined>;
  putPlace(place: Place): Promise<void>;
  /** The next candidate at this machine finds nothing of the one before. */
  removePlace(): Promise<void>;
}

const NAME = 'cbt-exam';
const SAVES = 'saves';
const PLACE = 'place';
/** The key of the one place there is. */
const HERE = 0;

/** In IndexedDB; where the browser has none (a private window), in memory. */
export async function openKept(): Promise<Kept> {
  const db = await openDatabase().catch(() => undefined);
  return db ? keptIn(db) : keptInMemory();
}

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(SAVES, { keyPath: ['sessionId', 'questionId'] });
    opening.result.createObjectStore(PLACE);
  };
  return settled(opening);
}

function keptIn(db: IDBDatabase): Kept {
  // Over both stores, so that what is written first is on the disk first.
  const store = (name: string, mode: IDBTransactionMode) =>
    db.transaction([SAVES, PLACE], mode, { durability: 'strict' }).objectStore(name);
  return {
    savesOf: (sessionId) =>
      settled<Save[]>(store(SAVES, 'readonly').getAll(IDBKeyRange.bound([sessionId], [sessionId, []]))),
    async putSave(save) {
      await settled(store(SAVES, 'readwrite').put(save));
    },
    async removeSave({ sessionId, questionId, n }) {
      const saves = store(SAVES, 'readwrite');
      const key = [sessionId, questionId];
      const waiting = await settled<Save | undefined>(saves.get(key));
      if (waiting && waiting.n <= n) await settled(saves.delete(key));
    },
    place: () => settled<Place | undefined>(store(PLACE, 'readonly').get(HERE)),
    async putPlace(place) {
      await settled(store(PLACE, 'readwrite').put(place, HERE));
    },
    removePlace: () => settled(store(PLACE, 'readwrite').delete(HERE)),
  };
}

function keptInMemory(): Kept {
  const saves = new Map<string, Save>();
  let here: Place | undefined;
  const keyOf = ({ sessionId, questionId }: Save) => JSON.stringify([sessionId, questionId]);
  return {
    savesOf: async (wanted) => [...saves.values()].filter(({ sessionId }) => sessionId === wanted),
    putSave: async (save) => void saves.set(keyOf(save), save),
    async removeSave(save) {
      if ((saves.get(keyOf(save))?.n ?? 0) <= save.n) saves.delete(keyOf(save));
    },
    place: async () => here,
    async putPlace(place) {
      here = place;
    },
    async removePlace() {
      here = undefined;
    },
  };
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
