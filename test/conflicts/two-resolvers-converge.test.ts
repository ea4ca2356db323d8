import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Answer } from '../../replication/answer-sheet.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { enrollmentDocument, studentDocument } from '../harness/documents.ts';
import { compareLeaves, readLeavesOf } from '../harness/leaves.ts';
import { openResolvingHub, type ResolvingHub } from './resolving-hub.ts';

const RUNS = 12;
const ROUNDS_AT_MOST = 6;
const QUESTIONS = ['q1', 'q2', 'q3'];

type Event =
  | { do: 'answer'; at: Side; candidate: number; question: string; choice: string }
  | { do: 'submit' | 'seat' | 'phone' | 'code' | 'delete sheet'; at: Side; candidate: number; value: number }
  | { do: 'push' | 'pull' };
type Side = 'a' | 'b';

const at = fc.constantFrom('a' as const, 'b' as const);
const candidate = fc.nat({ max: 1 });
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      at,
      candidate,
      question: fc.constantFrom(...QUESTIONS),
      choice: fc.constantFrom('A', 'B', 'C'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'submit' as const,
        'seat' as const,
        'phone' as const,
        'code' as const,
        'delete sheet' as const,
      ),
      at,
      candidate,
      value: fc.nat({ max: 9 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('push' as const, 'pull' as const) }) },
);

test('two hubs that resolve the same conflicts by themselves end alike, with every answer there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 30 }), async (events) => {
      await using a = await openResolvingHub();
      await using b = await openResolvingHub();
      const world = createWorld(a, b);
      for (const next of events) await world.apply(next);
      await world.converge();
      await world.expectAnswers();
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
}, 120_000);

function createWorld(a: ResolvingHub, b: ResolvingHub) {
  /** The highest n that was ever written for a question. */
  const highest = new Map<string, number>();
  /** Whose sheet was once deleted, which takes answers away without any merge. */
  const deleted = new Set<number>();
  let clock = 0;

  async function edit(side: Side, doc: StoredDocument, change: (doc: StoredDocument) => object | undefined) {
    const { hub } = side === 'a' ? a : b;
    // The resolver may write between the reading and the writing, as anybody may.
    for (;;) {
      const found = await hub.db.get(doc._id).catch(() => undefined);
      const body = change((found as StoredDocument | undefined) ?? doc);
      if (!body) return;
      const [outcome] = await hub.write([{ ...doc, ...found, ...body }], { newEdits: true });
      if (outcome && 'ok' in outcome) return;
    }
  }

  async function answer({
    at,
    candidate,
    question,
    choice,
  }: Extract<Event, { do: 'answer' }>): Promise<void> {
    await edit(at, sheetOf(candidate), (sheet) => {
      const answers = sheet.answers as Record<string, Answer>;
      const n = 1 + Math.max(0, ...Object.values(answers).map((each) => each.n ?? 0));
      const key = `${candidate} ${question}`;
      highest.set(key, Math.max(n, highest.get(key) ?? 0));
      clock += 1;
      return { answers: { ...answers, [question]: { choice, n, at: new Date(clock * 1000).toISOString() } } };
    });
  }

  async function apply(next: Event): Promise<void> {
    switch (next.do) {
      case 'answer':
        return answer(next);
      case 'submit':
        return edit(next.at, sessionOf(next.candidate), () => ({
          status: 'submitted',
          extraMinutes: next.value,
        }));
      case 'seat':
        return edit(next.at, enrollmentDocument('L-1', 'T', next.candidate), () => ({ seat: next.value }));
      case 'code':
        return edit(next.at, enrollmentDocument('L-1', 'T', next.candidate), () => ({
          accessCode: `C${next.value}`,
        }));
      case 'phone':
        return edit(next.at, studentDocument('L-1', next.candidate), () => ({ phone: `${next.value}` }));
      case 'delete sheet':
        if (next.value === 0) deleted.add(next.candidate);
        return edit(next.at, sheetOf(next.candidate), ({ _rev }) =>
          _rev && next.value === 0 ? { _deleted: true } : undefined,
        );
      case 'push':
        await a.hub.db.replicate.to(b.hub.db);
        return;
      case 'pull':
        await a.hub.db.replicate.from(b.hub.db);
    }
  }

  return {
    apply,
    /** Each resolves before and after what it gets from the other, as two hubs that replicate would. */
    async converge(): Promise<void> {
      for (let round = 0; round < ROUNDS_AT_MOST; round += 1) {
        await Promise.all([a.conflicts.settled(), b.conflicts.settled()]);
        await a.hub.db.sync(b.hub.db);
      }
      const [left, right] = [await readLeavesOf(a.hub.db), await readLeavesOf(b.hub.db)];
      expect(compareLeaves(left, right)).toBeUndefined();
      for (const [id, revs] of left) expect([id, revs.length]).toEqual([id, 1]);
    },
    async expectAnswers(): Promise<void> {
      for (const [key, n] of highest) {
        const [candidate, question] = key.split(' ') as [string, string];
        if (deleted.has(Number(candidate))) continue;
        const { answers } = (await a.hub.db.get(sheetOf(Number(candidate))._id)) as StoredDocument;
        expect([key, (answers as Record<string, Answer>)[question]?.n]).toEqual([key, n]);
      }
    },
  };
}

function sheetOf(n: number): StoredDocument {
  return { _id: `center-L-1:answers:E${n}`, type: 'answers', enrollmentId: `E${n}`, answers: {} };
}

function sessionOf(n: number): StoredDocument {
  return { _id: `center-L-1:session:E${n}`, type: 'session', enrollmentId: `E${n}`, status: 'running' };
}
