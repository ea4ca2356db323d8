import { afterAll, beforeAll, vi } from 'vitest';
import {
  type Candidate,
  CENTER,
  openRoom,
  type Room,
  type RoomOfProcesses,
  type RoomOptions,
  startRoom,
} from '../exam/room.ts';
import { type Browser, type BrowserOptions, type Page, startChromium } from '../harness/browser.ts';
import { until } from '../harness/until.ts';

/** A server, a node and some browsers take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A room in which candidates sit at browsers. */
export interface Hall<Kind extends Room = Room> extends AsyncDisposable {
  readonly room: Kind;
  /** One that has not begun yet. */
  nextCandidate(): Candidate;
  /** A machine of the hall. */
  seat(options?: Omit<BrowserOptions, 'profile'>): Promise<Browser>;
  /** The candidate's page at a machine. */
  examAt(browser: Browser): Promise<Page>;
  /** What the node has of a candidate's answers, by question. */
  answersOf(sessionId: string): Promise<Record<string, { choice: string | null; n: number }>>;
}

export async function openHall(options?: RoomOptions): Promise<Hall> {
  return seated(await openRoom(options));
}

/** A hall whose server and node can be killed and started again. */
export async function startHall(options?: Parameters<typeof startRoom>[0]): Promise<Hall<RoomOfProcesses>> {
  return seated(await startRoom(options));
}

async function seated<Kind extends Room>(opened: Kind): Promise<Hall<Kind>> {
  await using opening = new AsyncDisposableStack();
  const room = opening.use(opened);
  const chromium = opening.use(await startChromium());
  const seats = opening.use(new AsyncDisposableStack());
  const waiting = [...room.candidates];
  const moved = opening.move();
  return {
    room,
    nextCandidate() {
      const candidate = waiting.shift();
      if (!candidate) throw new Error('the hall has no more candidates');
      return candidate;
    },
    seat: async (seatOptions) => seats.use(await chromium.browser(seatOptions)),
    examAt: (browser) => browser.open(`${room.node.url}/exam`),
    answersOf: async (sessionId) => (await room.ask('GET', `/api/sessions/${sessionId}`)).body.answers,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** One hall for all tests of a file; each has candidates and seats of its own in it. */
export function hallOfAll<Opened extends Hall = Hall>(open: () => Promise<Opened>): () => Opened {
  let hall: Opened | undefined;
  beforeAll(async () => {
    hall = await open();
  });
  afterAll(() => hall?.[Symbol.asyncDispose]());
  return () => hall as Opened;
}

/** From the access code to the first question. */
export async function begin(page: Page, { accessCode }: Candidate): Promise<void> {
  await page.getByLabel('Access code').fill(accessCode);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: /^This is me/ }).click();
  await page.getByRole('heading', { name: /^Question \d+ of/ }).waitFor();
}

export const saved = (page: Page) => page.getByText('✓ Saved');

export async function submit(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Finish…' }).click();
  await page.getByRole('button', { name: 'Submit now' }).click();
  await page.getByRole('heading', { name: 'Your answers are submitted' }).waitFor();
}

/** The session that a page works in, as its browser keeps it; empty when it is in none. */
export function sessionIn(page: Page): Promise<string> {
  return page.evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open('cbt-exam');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction('place').objectStore('place').get(0);
          reading.onerror = () => reject(reading.error);
          reading.onsuccess = () => resolve(reading.result?.sessionId ?? '');
        };
      }),
  );
}

/** Waits until the node has exactly these choices, in the order of the questions. */
export async function choicesAre(hall: Hall, page: Page, wanted: (string | null)[]): Promise<void> {
  const sessionId = await sessionIn(page);
  const ids = hall.room.questions.map(({ questionId }) => String(questionId));
  await until(
    async () => {
      const answers = await hall.answersOf(sessionId);
      return wanted.every((choice, place) => (answers[ids[place] ?? '']?.choice ?? null) === choice);
    },
    { what: `the node of ${CENTER} has the answers ${wanted.join(', ')}` },
  );
}
