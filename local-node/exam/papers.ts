import type { Replica } from '../replica.ts';
import { type Paper, readPaper } from './paper.ts';
import type { ExamStore } from './store.ts';

/** The papers of the tests that are sat here. */
export interface Papers {
  /** As the replica has it now; `undefined` when it has no such test. */
  current(testId: string): Promise<Paper | undefined>;
  /** Keeps a paper on the disk: its sessions can be ended even if the test is withdrawn meanwhile. */
  keep(paper: Paper): Promise<void>;
  /** As it was kept last. */
  kept(testId: string): Promise<Paper | undefined>;
  /** Something of this test has changed in the replica. */
  changed(testId: string): void;
}

export function createPapers(store: ExamStore, replica: Replica): Papers {
  const current = new Map<string, Promise<Paper | undefined>>();
  const kept = new Map<string, Paper>();
  const keeping = new Map<Paper, Promise<void>>();

  async function keepOnce(paper: Paper): Promise<void> {
    const { testId } = paper.test;
    await store.write([[keyOf(testId), paper]]);
    kept.set(testId, paper);
  }

  return {
    current(testId) {
      const known = current.get(testId);
      if (known) return known;
      const reading = readPaper(replica.db, testId);
      current.set(testId, reading);
      reading.catch(() => current.delete(testId));
      return reading;
    },
    async keep(paper) {
      if (kept.get(paper.test.testId) === paper) return;
      const writing = keeping.get(paper) ?? keepOnce(paper).finally(() => keeping.delete(paper));
      keeping.set(paper, writing);
      await writing;
    },
    async kept(testId) {
      const paper = kept.get(testId) ?? (await store.get<Paper>(keyOf(testId)));
      if (paper) kept.set(testId, paper);
      return paper;
    },
    changed: (testId) => void current.delete(testId),
  };
}

function keyOf(testId: string): string {
  return `paper/${testId}`;
}
