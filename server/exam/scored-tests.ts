import type { StoredDocument } from '../../replication/documents.ts';
import { formatId, isIdPart, testOfPartition, testPartition } from '../../replication/ids.ts';
import type { ScoredQuestion } from '../../replication/scoring.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { ScoredTest } from './verdict.ts';

/** Tests that are held at once; an exam day has few. */
const HELD = 50;

/** The hub's tests, read from the index and held until one of their documents changes. */
export interface ScoredTests {
  /** `undefined` when the hub does not have the test. */
  get(testId: string): Promise<ScoredTest | undefined>;
}

type Reading = Pick<CenterFeed, 'bodies' | 'onApplied' | 'partitionEntries'>;

/** `onChange` is called with a test of which documents have changed. */
export function createScoredTests(feed: Reading, onChange: (testId: string) => void): ScoredTests {
  const held = new Map<string, Promise<ScoredTest | undefined>>();

  feed.onApplied((documents) => {
    for (const partition of new Set(documents.map((id) => id.partition))) {
      const testId = testOfPartition(partition);
      if (testId === undefined) continue;
      held.delete(testId);
      onChange(testId);
    }
  });

  return {
    get(testId) {
      const known = held.get(testId);
      if (known) return known;
      if (held.size >= HELD) held.clear();
      const reading = readTest(feed, testId);
      held.set(testId, reading);
      reading.catch(() => held.delete(testId));
      return reading;
    },
  };
}

async function readTest(feed: Reading, testId: string): Promise<ScoredTest | undefined> {
  if (!isIdPart(testId)) return undefined;
  const questions: ScoredQuestion[] = [];
  let test: StoredDocument | undefined;
  for await (const entries of feed.partitionEntries(testPartition(testId))) {
    for (const doc of await readBodies(
      feed,
      entries.map(([id]) => id),
    )) {
      if (doc.type === 'question') questions.push(doc as unknown as ScoredQuestion);
      if (doc._id === formatId(testPartition(testId), 'test', testId)) test = doc;
    }
  }
  if (!test) return undefined;
  const { questionCount, passingScorePercent } = test as unknown as ScoredTest;
  return { questionCount, passingScorePercent, questions };
}

/** Live documents that are written online, from the index. */
export async function readBodies(feed: Pick<CenterFeed, 'bodies'>, ids: string[]): Promise<StoredDocument[]> {
  const cached = await feed.bodies(ids);
  const docs = cached.flatMap((one) => (one ? [JSON.parse(one.body) as StoredDocument] : []));
  return docs.filter(({ _deleted }) => !_deleted);
}
