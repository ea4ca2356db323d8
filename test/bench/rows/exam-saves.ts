import type { SessionView } from '../../../local-node/exam/view.ts';
import { type Room, startRoom } from '../../exam/room.ts';
import { answersDocument } from '../../harness/documents.ts';
import { tempFolder } from '../../harness/temp-folder.ts';
import type { SaveJob, Saves } from '../light/job.ts';
import { runLight } from '../light/run.ts';
import { counted, type Measurement, milliseconds, perSecond, scaled, times } from '../row.ts';
import { startStockServer } from '../stock.ts';

const QUESTIONS = 100;
const SECONDS = 10;

/** An exam: all candidates of a center save answers; one synced `put` of the sheet for each save beside it. */
export const examSaves: Measurement = {
  name: 'exam-saves',
  description: '250 candidates save answers at once, each on the disk before it is acknowledged',
  async measure(scale, say) {
    const candidates = scaled(250, scale);
    say('stock');
    const stock = await putSheets(candidates);
    say('ours');
    await using room = await startRoom({ candidates, questions: QUESTIONS });
    const ours = await saveAnswers(room, undefined);
    say(`${candidates} saves a second`);
    const paced = await saveAnswers(room, 1000);
    const p99 = paced.latenciesMs[Math.floor(0.99 * paced.saves)] ?? Infinity;
    const rate = ({ saves, seconds }: Saves) => saves / seconds;
    return [
      {
        what: `${counted(candidates)} candidates save at once; stock: a synced put for each save`,
        ours: perSecond(rate(ours)),
        stock: perSecond(rate(stock)),
        ratio: times(rate(ours) / rate(stock)),
        target: '≥ 5×',
        met: rate(ours) / rate(stock) >= 5,
      },
      {
        what: `  at ${counted(candidates)} saves a second, p99`,
        ours: milliseconds(p99),
        stock: '',
        ratio: '',
        target: '≤ 50 ms',
        met: p99 <= 50,
      },
    ];
  },
};

/** The node's own API, from the highest number on that each session has used. */
async function saveAnswers(room: Room, intervalMs: number | undefined): Promise<Saves> {
  const views = await Promise.all(room.candidates.map((candidate) => room.enter(candidate)));
  const job: SaveJob = {
    kind: 'save',
    url: room.node.url,
    hello: '/health/live',
    revisions: false,
    seconds: SECONDS,
    candidates: views.map(candidateOf),
    ...(intervalMs !== undefined && { intervalMs }),
  };
  return await runLight<Saves>(job, async () => {});
}

/** A candidate that saves an answer to each question in turn. */
export function candidateOf({ sessionId, questions = [], n }: SessionView): SaveJob['candidates'][number] {
  return {
    path: questions.map(({ questionId }) => `/api/sessions/${sessionId}/answers/${questionId}`),
    body: '{"choice":"B","n":{n}}',
    n: n + 1,
  };
}

/** Each save is the next revision of the candidate's whole sheet. */
async function putSheets(candidates: number): Promise<Saves> {
  await using folder = await tempFolder('cbt-bench-stock');
  await using stock = await startStockServer(folder.path, ['cbt'], { synced: true });
  const { pathname, origin } = new URL(stock.databases[0] as string);
  const job: SaveJob = {
    kind: 'save',
    url: origin,
    hello: pathname,
    revisions: true,
    seconds: SECONDS,
    candidates: Array.from({ length: candidates }, (_, index) => {
      const { _id, ...sheet } = answersDocument('LAG-1', 'SCI-P1', index + 1, QUESTIONS);
      return { path: [`${pathname}/${encodeURIComponent(_id)}`], body: JSON.stringify(sheet), n: 0 };
    }),
  };
  return await runLight<Saves>(job, async () => {});
}
