import type { LogEntry, LogHead } from '../../replication/log-chain.ts';
import type { CenterRow } from './center-rows.ts';
import type { Chains } from './chains.ts';
import type { NodeRecords } from './node-records.ts';
import type { Nodes } from './nodes.ts';
import type { NamedHead } from './results.ts';

const LOG_IN_HUB = 'its log in the hub';

/** Follows the logs, and holds them against what reports and results say of them. */
export interface LogWatch {
  follow(centerId: string, rows: readonly CenterRow[]): Promise<void>;
  /** Takes where results say that their node's log stood. */
  named(centerId: string, heads: NamedHead[]): Promise<void>;
}

interface LogWatchOptions {
  chains: Chains;
  nodes: Nodes;
  records: NodeRecords;
}

export function createLogWatch({ chains, nodes, records }: LogWatchOptions): LogWatch {
  async function verified(centerId: string, instanceId: string, entries: LogEntry[]): Promise<void> {
    const left = entries.find(({ n, event }) => n === 1 && event === 'identity changed');
    if (left && typeof left.details.instanceId === 'string') {
      await nodes.renamed(centerId, left.details.instanceId, instanceId, String(left.details.reason));
    }
    const seen = records.get(centerId, instanceId)?.seen;
    const heads: LogHead[] = entries.filter(({ n }) => n === seen?.n);
    const last = entries.at(-1);
    if (last) heads.push(last);
    await nodes.saw(
      centerId,
      heads.map((head) => ({ instanceId, head, by: LOG_IN_HUB })),
    );
  }

  return {
    async follow(centerId, rows) {
      for (const { instanceId, entries, forkedAt } of await chains.follow(centerId, rows)) {
        await verified(centerId, instanceId, entries);
        if (forkedAt === undefined) continue;
        const what = `two different entries of its log have the number ${forkedAt}`;
        await nodes.suspect(centerId, instanceId, what);
      }
    },
    async named(centerId, heads) {
      await nodes.saw(centerId, heads);
      for (const { instanceId, head, by } of await chains.contradicted(centerId, heads)) {
        const what = `${by} names another entry ${head.n} than ${LOG_IN_HUB}`;
        await nodes.suspect(centerId, instanceId, what);
      }
    },
  };
}
