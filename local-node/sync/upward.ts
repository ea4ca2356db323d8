import { parseId } from '../../replication/ids.ts';
import type { LineSession } from '../line.ts';
import type { Results } from '../results.ts';
import type { RoundParts } from './round.ts';
import { type SendOptions, sendDocuments } from './send.ts';
import type { Unpushed } from './unpushed.ts';

/** A candidate's documents, by their types. */
const WORK_TYPES = new Set(['session', 'answers', 'result']);

/**
 * Sends what matters most ahead of the replicator, which goes by the order in which things were written: finished
 * sessions with their answers and results first, then what candidates are working on, then logs. The rest is the
 * replicator's.
 */
export async function pushAhead(
  { replica, results, unpushed, line }: RoundParts,
  session: LineSession,
  options: SendOptions,
): Promise<void> {
  const { update_seq } = await replica.db.info();
  // What has been noted only then is in what is to be taken in.
  await unpushed.noted(Number(update_seq));
  await results.settled();
  for (const stage of stagesOf(unpushed, results)) {
    // What else the round needs is asked for behind the first batch, which so has the connection that is open.
    const begun = () => void session.ready;
    await sendDocuments(replica.db, line, session, [...stage.keys()], { ...options, begun });
    for (const [id, seq] of stage) unpushed.settleOne(id, seq);
  }
}

/** What goes up when: each stage only after the one before is at the server. */
function stagesOf(
  unpushed: Pick<Unpushed, 'entries'>,
  results: Pick<Results, 'isFinished' | 'hasResult'>,
): Map<string, number>[] {
  const finished: [id: string, seq: number, key: string][] = [];
  const running: [id: string, seq: number][] = [];
  const logs: [id: string, seq: number][] = [];
  for (const [id, seq] of unpushed.entries()) {
    const { type, key } = parseId(id) ?? { type: '', key: '' };
    if (type === 'log') logs.push([id, seq]);
    if (!WORK_TYPES.has(type)) continue;
    if (results.isFinished(key) || results.hasResult(key)) finished.push([id, seq, key]);
    else running.push([id, seq]);
  }
  // All of one candidate together: a cut leaves few of them in halves.
  finished.sort(([, , a], [, , b]) => (a < b ? -1 : a > b ? 1 : 0));
  return [new Map(finished.map(([id, seq]) => [id, seq])), new Map(running), new Map(logs)];
}
