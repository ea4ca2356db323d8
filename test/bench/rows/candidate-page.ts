import { type Page as Files, readPage } from '../../../replication/page-files.ts';
import { type Room, startRoom } from '../../exam/room.ts';
import { type Page, startBrowser } from '../../harness/browser.ts';
import type { SaveJob, Saves } from '../light/job.ts';
import { runLight } from '../light/run.ts';
import { percentile } from '../percentile.ts';
import { counted, type Measurement, milliseconds, type Row, scaled, seconds } from '../row.ts';
import { candidateOf } from './exam-saves.ts';

const QUESTIONS = 100;
const COLD_STARTS = 5;
const SLOWER = 4;
/** Each of the others saves so often: far more often than anybody answers. */
const PACE_MS = 1000;
const AT_WORK_SECONDS = 20;
const OPTIONS = 4;

/** What a candidate waits for: the page, and "saved". */
export const candidatePage: Measurement = {
  name: 'candidate-page',
  description: 'the pages’ scripts, the candidate’s page on a slow machine, and a key until it says saved',
  async measure(scale, say) {
    const sizes = await scriptRows();
    const candidates = scaled(250, scale);
    await using room = await startRoom({ candidates, questions: QUESTIONS });
    say('cold starts');
    // The node reads its pages some seconds after its start, or when they are asked for.
    await (await fetch(`${room.node.url}/exam`)).arrayBuffer();
    const coldMs: number[] = [];
    for (let n = 0; n < COLD_STARTS; n += 1) coldMs.push(await coldStart(room));
    say(`keys; cold starts took ${coldMs.map(Math.round).join(', ')} ms`);
    const keysMs = await pressKeys(room);
    say(`${keysMs.length} keys`);
    const longest = Math.max(...coldMs);
    const p95 = percentile(keysMs, 95);
    return [
      ...sizes,
      {
        what: `candidate’s page, cold, CPU ${SLOWER} times slower: usable, longest of ${COLD_STARTS}`,
        ours: seconds(longest / 1000),
        stock: '',
        ratio: '',
        target: '≤ 1 s',
        met: longest <= 1000,
      },
      {
        what: `key press to “saved” on the screen, ${counted(candidates)} candidates at work, p95`,
        ours: milliseconds(p95),
        stock: '',
        ratio: '',
        target: '≤ 150 ms',
        met: p95 <= 150,
      },
    ];
  },
};

async function scriptRows(): Promise<Row[]> {
  const pages = [
    ['candidate', 'local-node/pages/exam', 40],
    ['administrator', 'server/pages', 150],
  ] as const;
  return Promise.all(
    pages.map(async ([who, folder, most]) => {
      const page = await readPage(new URL(`../../../${folder}/index.html`, import.meta.url), '/files');
      const kilobytes = scriptBytes(page) / 1024;
      return {
        what: `JavaScript of the ${who}’s page, gzip`,
        ours: `${kilobytes.toFixed(1)} KB`,
        stock: '',
        ratio: '',
        target: `≤ ${most} KB`,
        met: kilobytes <= most,
      };
    }),
  );
}

/** What a browser loads of a page's scripts, compressed. */
export function scriptBytes({ files }: Files): number {
  const scripts = [...files.values()].filter(({ type }) => type.startsWith('text/javascript'));
  return scripts.reduce((sum, { gzip }) => sum + gzip.length, 0);
}

/** From the navigation to the moment at which the access code can be typed, in a browser that has nothing yet. */
async function coldStart(room: Room): Promise<number> {
  await using browser = await startBrowser();
  const page = await browser.open('about:blank');
  await browser.context.addInitScript(() => {
    const look = () => {
      const field = document.querySelector('input');
      if (field && document.activeElement === field) Object.assign(window, { usableMs: performance.now() });
      else requestAnimationFrame(look);
    };
    look();
  });
  const devtools = await browser.context.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await page.goto(`${room.node.url}/exam`);
  const usable = await page.waitForFunction(() => (window as { usableMs?: number }).usableMs);
  return Number(await usable.jsonValue());
}

/** All others save at their pace, over the node's API; one is at a browser. */
async function pressKeys(room: Room): Promise<number[]> {
  const [own, ...others] = room.candidates;
  const views = await Promise.all(others.map((candidate) => room.enter(candidate)));
  const job: SaveJob = {
    kind: 'save',
    url: room.node.url,
    hello: '/health/live',
    revisions: false,
    seconds: AT_WORK_SECONDS,
    candidates: views.map(candidateOf),
    intervalMs: PACE_MS,
  };
  await using browser = await startBrowser();
  const page = await browser.open(`${room.node.url}/exam`);
  await page.getByLabel('Access code').fill(own?.accessCode ?? '');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^This is me/ }).click();
  await page.getByRole('heading', { name: /^Question 1 of/ }).waitFor();
  const over = new AbortController();
  let pressing: Promise<number[]> = Promise.resolve([]);
  await runLight<Saves>(job, async () => {
    pressing = measureKeys(page, over.signal);
  });
  over.abort();
  return await pressing;
}

/** From each key to the frame in which its option is chosen and called saved. */
async function measureKeys(page: Page, over: AbortSignal): Promise<number[]> {
  await page.evaluate(() => {
    const delaysMs: number[] = [];
    Object.assign(window, { delaysMs });
    const look = (key: string, pressedAt: number) => {
      const place = key.charCodeAt(0) - 'a'.charCodeAt(0);
      const isChosen = document.querySelectorAll<HTMLInputElement>('.option input')[place]?.checked === true;
      const isSaved = document.querySelector('.save-state .good') !== null;
      if (isChosen && isSaved) delaysMs.push(performance.now() - pressedAt);
      else requestAnimationFrame(() => look(key, pressedAt));
    };
    addEventListener('keydown', ({ key, timeStamp }) => look(key, timeStamp), { capture: true });
  });
  const measured = (least: number) => {
    const { delaysMs } = window as unknown as { delaysMs: number[] };
    return delaysMs.length >= least && delaysMs;
  };
  let delaysMs: number[] = [];
  for (let n = 1; !over.aborted; n += 1) {
    await page.keyboard.press('abcd'.charAt(n % OPTIONS));
    delaysMs = (await (await page.waitForFunction(measured, n)).jsonValue()) as number[];
  }
  return delaysMs;
}
