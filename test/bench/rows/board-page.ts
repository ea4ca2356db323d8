import { setTimeout as delay } from 'node:timers/promises';
import type { StoredDocument } from '../../../replication/documents.ts';
import { type Page, startBrowser } from '../../harness/browser.ts';
import {
  assignmentDocument,
  centerDocument,
  studentDocument,
  subjectDocument,
  wholeTest,
} from '../../harness/documents.ts';
import { type ServerProcess, startServer } from '../../harness/server.ts';
import { until } from '../../harness/until.ts';
import { centerIds } from '../dataset.ts';
import { percentile } from '../percentile.ts';
import { counted, type Measurement, milliseconds, scaled } from '../row.ts';

const CENTERS = 1000;
const TESTS = 12;
const QUESTIONS = 10;
const CHANGES_PER_SECOND = 50;
const BEATS_PER_SECOND = 5;
const SCROLL_SECONDS = 10;
const BAR_MINUTES = 10;
const IMPORTED_AT_ONCE = 5000;

/** The administrator's board while centers change all the time. */
export const boardPage: Measurement = {
  name: 'board-page',
  description:
    '1,000 centers × 12 tests, 50 changes a second: frames and memory (--minutes 10 for the target)',
  async measure(scale, say, { minutes }) {
    const centers = centerIds(scaled(CENTERS, scale));
    await using server = await startServer();
    say('importing');
    await fill(server, centers);
    await using browser = await startBrowser();
    const page = await browser.open(`${server.url}/`);
    await page.getByLabel('Admin token').fill(server.adminToken);
    await page.keyboard.press('Enter');
    await page.getByText(centers[0] as string, { exact: true }).waitFor({ timeout: 120_000 });
    await using changes = changeAll(server, centers);
    say(`${CHANGES_PER_SECOND} changes a second`);
    const frames = await scroll(page);
    const heaps = [await heapOf(page)];
    const endsAt = Date.now() + minutes * 60_000;
    while (Date.now() < endsAt) {
      frames.push(...(await scroll(page)));
      heaps.push(await heapOf(page));
    }
    const growth = growthOf(heaps);
    const [longest, p99] = [Math.max(...frames), percentile(frames, 99)];
    const many = `${counted(centers.length)} centers × ${TESTS} tests`;
    say(`${changes.count} changes`);
    return [
      {
        what: `board of ${many}, ${CHANGES_PER_SECOND} changes a second: frames while scrolling, p99 and longest`,
        ours: `${milliseconds(p99)}, ${milliseconds(longest)}`,
        stock: '',
        ratio: '',
        target: '≤ 50 ms',
        met: longest <= 50,
      },
      {
        what: `  its memory after ${minutes} min${minutes < BAR_MINUTES ? ` (the target is ${BAR_MINUTES})` : ''}`,
        ours: `${growth < 0 ? '−' : '+'}${Math.abs(growth * 100).toFixed(0)} %`,
        stock: '',
        ratio: '',
        target: '≤ +10 %',
        met: growth <= 0.1,
      },
    ];
  },
};

/** All centers with all tests; each third has all, each third lacks a little, the others have never replicated. */
async function fill(server: ServerProcess, centers: readonly string[]): Promise<void> {
  const testIds = Array.from({ length: TESTS }, (_, index) => `T-${String(index + 1).padStart(2, '0')}`);
  await server.importDocuments([
    subjectDocument('SCI'),
    ...testIds.flatMap((testId) => wholeTest(testId, QUESTIONS)),
  ]);
  const docs = centers.flatMap((centerId): StoredDocument[] => [
    centerDocument(centerId),
    ...testIds.map((testId) => assignmentDocument(testId, centerId)),
  ]);
  for (let from = 0; from < docs.length; from += IMPORTED_AT_ONCE) {
    await server.importDocuments(docs.slice(from, from + IMPORTED_AT_ONCE));
  }
  const isListed = async () => {
    const { centers: listed } = await server.api.request<{ centers: unknown[] }>('GET', '/api/board');
    return listed.length === centers.length;
  };
  await until(isListed, { what: 'all centers are on the board', withinMs: 120_000 });
  for (const centerId of centers.filter((_, index) => index % 3 !== 2))
    await leaveCheckpoint(server, centerId);
  await server.importDocuments(
    centers.flatMap((centerId, index) => (index % 3 === 1 ? [studentDocument(centerId, index)] : [])),
  );
}

/** As a client does that has pulled everything. */
async function leaveCheckpoint({ api }: ServerProcess, centerId: string): Promise<void> {
  const path = `/replicas/${centerId}`;
  const { last_seq } = await api.request<{ last_seq: string }>('GET', `${path}/_changes?limit=100000`);
  await api.request('PUT', `${path}/_local/bench`, { _id: '_local/bench', last_seq });
}

/** Writes to centers all over the board, at one pace. */
function changeAll(server: ServerProcess, centers: readonly string[]): AsyncDisposable & { count: number } {
  const stop = new AbortController();
  const changes = { count: 0 };
  const beat = async () => {
    const each = CHANGES_PER_SECOND / BEATS_PER_SECOND;
    const docs = Array.from({ length: each }, () => {
      changes.count += 1;
      // A step that shares no factor with the count of centers comes to each of them.
      const centerId = centers[(changes.count * 37) % centers.length] as string;
      return studentDocument(centerId, 1_000_000 + changes.count);
    });
    await server.importDocuments(docs);
  };
  const running = (async () => {
    for (let due = Date.now(); !stop.signal.aborted; due += 1000 / BEATS_PER_SECOND) {
      await beat();
      await delay(Math.max(0, due - Date.now()), undefined, { signal: stop.signal }).catch(() => {});
    }
  })();
  return {
    get count() {
      return changes.count;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** How long each frame took while the board is scrolled from end to end. */
function scroll(page: Page): Promise<number[]> {
  return page.evaluate(
    (seconds) =>
      new Promise<number[]>((resolve) => {
        const frame = document.querySelector('.board') as HTMLElement;
        const frames: number[] = [];
        const start = performance.now();
        let last = start;
        let step = 40;
        const draw = (now: number) => {
          frames.push(now - last);
          last = now;
          if (frame.scrollTop + frame.clientHeight >= frame.scrollHeight - 1) step = -40;
          else if (frame.scrollTop <= 0) step = 40;
          frame.scrollTop += step;
          if (now - start < seconds * 1000) requestAnimationFrame(draw);
          else resolve(frames.slice(1));
        };
        requestAnimationFrame(draw);
      }),
    SCROLL_SECONDS,
  );
}

/** Bytes in use after all that can be let go is let go. */
async function heapOf(page: Page): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  await devtools.detach();
  return usedSize;
}

/** By how much the least of the second half is over the least of the first: what is only under way comes and goes. */
function growthOf(heaps: readonly number[]): number {
  const half = Math.ceil(heaps.length / 2);
  return Math.min(...heaps.slice(half)) / Math.min(...heaps.slice(0, half)) - 1;
}
