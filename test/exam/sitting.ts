import { setTimeout as delay } from 'node:timers/promises';
import type { SessionView } from '../../local-node/exam/view.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { type Candidate, CENTER, type Room, type RoomOfProcesses } from './room.ts';

/** What the node has acknowledged to one candidate. */
export interface Acknowledged {
  enrollmentId: string;
  sessionId: string;
  /** By question, the save with the highest number. */
  answers: Map<string, { choice: string | null; n: number }>;
  /** How often a request had to be sent again. */
  repeats: number;
}

const RETRY_MS = 20;
/** A node that is down for longer has failed. */
const PATIENCE_MS = 30_000;

/** A simulated candidate: answers questions until told to stop, sends again what was not acknowledged, then submits. */
export async function sit(room: Room, candidate: Candidate, stop: AbortSignal): Promise<Acknowledged> {
  const view = await insist<SessionView>(room, 'POST', '/api/sessions', { accessCode: candidate.accessCode });
  const { sessionId, questions = [] } = view.body;
  const state: Acknowledged = {
    enrollmentId: candidate.enrollmentId,
    sessionId,
    answers: new Map(),
    repeats: 0,
  };
  const path = `/api/sessions/${sessionId}`;
  for (let n = 1; n <= 2 * questions.length || !stop.aborted; n += 1) {
    const { questionId, options } = questions[n % questions.length]!;
    const choice = n % 7 === 0 ? null : options[(n * 3) % options.length]!.option;
    const { repeats } = await insist(room, 'PUT', `${path}/answers/${questionId}`, { choice, n });
    state.answers.set(questionId, { choice, n });
    state.repeats += repeats;
  }
  await insist(room, 'POST', `${path}/submit`);
  return state;
}

/** Sends a request until it is answered well: what is not acknowledged is sent again, as the candidate's page does. */
async function insist<Answer>(
  room: Room,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ body: Answer; repeats: number }> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let repeats = 0; ; repeats += 1) {
    const reply = await room.ask<Answer>(method, path, body).catch(() => undefined);
    if (reply && reply.status < 300) return { body: reply.body, repeats };
    // A repeated start or submission of a session that is over has been answered before.
    if (reply && reply.status < 500)
      throw new Error(`${method} ${path}: ${reply.status} ${reply.body.reason}`);
    if (performance.now() > deadline) throw new Error(`${method} ${path} is not answered`);
    await delay(RETRY_MS);
  }
}

/** What the hub lacks, or has otherwise, of what was acknowledged; and results there are not exactly one of. */
export async function faultsInHub(room: Room, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { enrollmentId, answers } of acknowledged) {
    const sheet = await readHub(room, 'answers', enrollmentId);
    const stored = (sheet?.answers ?? {}) as Record<string, { choice: string | null; n: number }>;
    for (const [questionId, { choice, n }] of answers) {
      const found = stored[questionId];
      if (found?.n !== n || found.choice !== choice) {
        faults.push(`${enrollmentId} ${questionId}: ${JSON.stringify(found)} instead of ${choice} (${n})`);
      }
    }
    const result = await readHub(room, 'result', enrollmentId);
    if (!result) faults.push(`${enrollmentId} has no result`);
    if (result?._conflicts) faults.push(`${enrollmentId} has ${1 + result._conflicts.length} results`);
  }
  return faults;
}

async function readHub(room: Room, type: string, enrollmentId: string): Promise<StoredDocument | undefined> {
  const id = encodeURIComponent(`center-${CENTER}:${type}:${enrollmentId}`);
  return room.server.api
    .request<StoredDocument>('GET', `/couch/cbt/${id}?conflicts=true`)
    .catch((error: { code?: string }) => {
      if (error.code !== 'not_found') throw error;
      return undefined;
    });
}

/** Kills the node and the server in turn, at moments that no one chose, while candidates sit. */
export async function killDuring(room: RoomOfProcesses, kills: number, random: () => number): Promise<void> {
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(random() * 300);
    const victim = kill % 3 === 2 ? room.server : room.node;
    await victim.kill();
    await victim.start();
  }
}
