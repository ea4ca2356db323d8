import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createChangesPages } from '../../local-node/line/pages.ts';
import { type ChangesRow, RowReader } from '../../local-node/line/rows.ts';

const row = fc.record({
  seq: fc.string(),
  id: fc.string({ unit: 'binary' }),
  changes: fc.array(fc.record({ rev: fc.string() })),
  doc: fc.dictionary(fc.string(), fc.jsonValue()),
}) as unknown as fc.Arbitrary<ChangesRow>;

test('rows come out whole, however the answer is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.array(row),
      fc.array(fc.integer({ min: 1, max: 50 })),
      fc.boolean(),
      (rows, sizes, spaced) => {
        const text = JSON.stringify(
          { results: rows, last_seq: '9-x', pending: 0 },
          undefined,
          spaced ? 2 : undefined,
        );
        const bytes = new TextEncoder().encode(text);
        const reader = new RowReader();
        const found: ChangesRow[] = [];
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const size = sizes[n % Math.max(sizes.length, 1)] ?? 7;
          expect(reader.end()).toBeUndefined();
          found.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(found).toEqual(JSON.parse(JSON.stringify(rows)));
        expect(reader.end()).toMatchObject({ last_seq: '9-x', pending: 0 });
      },
    ),
  );
});

const rowText = (n: number) => `{"seq":"${n}-x","id":"common:subject:S${n}","changes":[{"rev":"1-a"}]}`;

/** Pages over answers that are cut after some bytes. */
function pagesOf(...answers: { text: string; cutAt?: number }[]) {
  const asked: string[] = [];
  const pages = createChangesPages(
    async ({ url }) => {
      asked.push(new URL(url).searchParams.get('since') as string);
      const { text, cutAt } = answers.shift() as { text: string; cutAt?: number };
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text.slice(0, cutAt)));
          if (cutAt === undefined) controller.close();
        },
        // A cut is an error of the next read, after what has come.
        pull(controller) {
          controller.error(new Error('cut'));
        },
      });
      return new Response(body);
    },
    'http://server/replicas/LAG-1',
    { withBodies: () => true },
  );
  return { pages, asked };
}

test('one answer makes many pages, and the end is told once without asking', async () => {
  const rows = [1, 2, 3, 4, 5].map(rowText).join(',\n');
  const { pages, asked } = pagesOf({ text: `{"results":[\n${rows}\n],"last_seq":"9-x","pending":0}` });
  const first = await pages.page('0', 2, undefined);
  expect(first.results.map(({ seq }) => seq)).toEqual(['1-x', '2-x']);
  expect(first.last_seq).toBe('2-x');
  expect((await pages.page('2-x', 2, undefined)).last_seq).toBe('4-x');
  // The last row stands for the end of the answer.
  expect(await pages.page('4-x', 2, undefined)).toMatchObject({ results: [{ seq: '9-x' }], last_seq: '9-x' });
  expect(await pages.page('9-x', 2, undefined)).toEqual({ results: [], last_seq: '9-x', pending: 0 });
  expect(asked).toEqual(['0']);
});

test('what came before a cut is a page, and the next one begins there', async () => {
  const text = `{"results":[\n${[1, 2, 3].map(rowText).join(',\n')}`;
  const rest = `{"results":[\n${rowText(3)}\n],"last_seq":"3-x","pending":0}`;
  const { pages, asked } = pagesOf({ text, cutAt: text.length - 5 }, { text: rest });
  expect((await pages.page('0', 1000, undefined)).results.map(({ seq }) => seq)).toEqual(['1-x', '2-x']);
  expect((await pages.page('2-x', 1000, undefined)).results).toHaveLength(1);
  expect(asked).toEqual(['0', '2-x']);
});

test('an answer without rows that is cut is a failure, not an end', async () => {
  const { pages } = pagesOf({ text: '{"results":[\n', cutAt: 12 });
  await expect(pages.page('0', 1000, undefined)).rejects.toThrow('cut');
});

test('an answer that ends early without an error is a failure too', async () => {
  const { pages } = pagesOf({ text: '{"results":[\n' });
  await expect(pages.page('0', 1000, undefined)).rejects.toThrow('broke off');
});
