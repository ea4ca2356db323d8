import { createApiClient } from '../../replication/api-client.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import type { LogEntry } from '../../replication/log-chain.ts';
import { finishedSitting, runningSitting } from '../harness/finished.ts';
import { CENTER, type CenterUnderTest } from '../node/center.ts';

export const TEST = 'SCI-P1';
const OPTIONS = { centerId: CENTER, testId: TEST };

export const finished = (n: number): StoredDocument[] => finishedSitting(n, OPTIONS);
export const running = (n: number): StoredDocument[] => runningSitting(n, OPTIONS);
export const resultId = (n: number): string => `center-${CENTER}:result:E${String(n).padStart(6, '0')}`;

/** Writes documents into a node's replica, as another program at the center would. */
export async function write(replicaUrl: string, docs: readonly StoredDocument[]): Promise<void> {
  const api = createApiClient({ url: replicaUrl, authorization: '' });
  const { pathname } = new URL(replicaUrl);
  const outcomes = await api.request<{ error?: string }[]>('POST', `${pathname}/_bulk_docs`, { docs });
  const refused = outcomes.filter(({ error }) => error);
  if (refused.length > 0) throw new Error(`not written: ${JSON.stringify(refused)}`);
}

/** The documents of a database whose ids begin so, deleted ones left out. */
export async function idsIn(url: string, prefix: string, authorization = ''): Promise<string[]> {
  const range = `startkey="${prefix}"&endkey="${prefix}\ufff0"`;
  const answer = await fetch(`${url}/_all_docs?${range}`, { headers: { authorization } });
  return ((await answer.json()) as { rows: { id: string }[] }).rows.map(({ id }) => id);
}

/** The same of the hub. */
export function idsOnline({ server }: Pick<CenterUnderTest, 'server'>, type: string): Promise<string[]> {
  const prefix = `center-${CENTER}:${type}:`;
  return idsIn(`${server.url}/couch/cbt`, prefix, `Bearer ${server.adminToken}`);
}

/** What nodes have logged, as the hub has it, in the order of nodes and entries. */
export async function loggedOnline(
  center: Pick<CenterUnderTest, 'server' | 'readOnline'>,
): Promise<LogEntry[]> {
  const ids = await idsOnline(center, 'log');
  return Promise.all(ids.map(async (id) => (await center.readOnline(id)) as unknown as LogEntry));
}
