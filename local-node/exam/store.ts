import { openLevel } from '../level.ts';

/**
 * What the exam keeps beside the replica, in a LevelDB at `<dataDir>/exam`: answers as they come, before they go into
 * the answer sheets, the clock, and the papers of running sessions.
 */
export interface ExamStore extends AsyncDisposable {
  /** On the disk when it resolves, all or nothing; `undefined` deletes. @throws SyncError insufficient_storage. */
  write(records: readonly ExamRecord[]): Promise<void>;
  get<Value>(key: string): Promise<Value | undefined>;
  /** The entries whose key begins with `prefix`, in key order. */
  entries<Value>(prefix: string): AsyncIterable<[string, Value]>;
}

export type ExamRecord = [key: string, value: unknown];

export async function openExamStore(dataDir: string): Promise<ExamStore> {
  const { level, write, [Symbol.asyncDispose]: close } = await openLevel(dataDir, 'exam');
  return {
    write: (records) => write(records.map(operationOf)),
    get: async <Value>(key: string) => (await level.get(key)) as Value | undefined,
    entries: <Value>(prefix: string) =>
      level.iterator({ gte: prefix, lt: `${prefix}\uffff` }) as AsyncIterable<[string, Value]>,
    [Symbol.asyncDispose]: close,
  };
}

function operationOf([key, value]: ExamRecord) {
  return value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value };
}
