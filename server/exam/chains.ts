import { EMPTY_LOG, type LogEntry, type LogHead } from '../../replication/log-chain.ts';
import type { ControlStore } from '../control/store.ts';
import type { CenterRow } from './center-rows.ts';
import { type ChainBreak, createLogReader, type Reading } from './chain-walk.ts';

const CHAINED_KEY = /^(.+)\.(\d{8})$/;

/** One node's log as far as it was verified, and where and how it breaks behind that. */
export interface Chain {
  centerId: string;
  instanceId: string;
  verified: LogHead;
  break?: ChainBreak;
}

/** What verifying one node's log has come to: the entries that follow, and the fork behind them, if there is one. */
export interface ChainNews {
  instanceId: string;
  entries: LogEntry[];
  forkedAt: number | undefined;
}

/** The logs of the nodes, verified entry by entry as they come, in whatever order. */
export interface Chains {
  /** Verifies on from where each node's log stood. */
  follow(centerId: string, rows: readonly CenterRow[]): Promise<ChainNews[]>;
  /** Those of the heads in whose place the hub's verified log has another entry. */
  contradicted<Head extends { instanceId: string; head: LogHead }>(
    centerId: string,
    heads: readonly Head[],
  ): Promise<Head[]>;
  list(centerId: string): Chain[];
  get(centerId: string, instanceId: string): Chain | undefined;
}

/** A log document's place in a chain, by its key; `undefined` for one that no node's chain can hold. */
export function placeInChain(key: string): { instanceId: string; n: number } | undefined {
  const match = CHAINED_KEY.exec(key);
  return match ? { instanceId: match[1] as string, n: Number(match[2]) } : undefined;
}

interface Arrival {
  n: number;
  /** Not the first and only revision: the entry was changed, or there are two. */
  suspicious: boolean;
}

export async function openChains(store: ControlStore, parts: Reading): Promise<Chains> {
  const space = store.space<Chain>('log-chains');
  const chains = new Map<string, Map<string, Chain>>();
  for await (const [, chain] of space.entries()) hold(chain);

  function hold(chain: Chain): void {
    const ofCenter = chains.get(chain.centerId) ?? new Map<string, Chain>();
    chains.set(chain.centerId, ofCenter.set(chain.instanceId, chain));
  }

  async function followNode(
    centerId: string,
    instanceId: string,
    arrivals: Arrival[],
  ): Promise<ChainNews | undefined> {
    const log = createLogReader(parts, centerId, instanceId);
    const start = await startOf(log, chains.get(centerId)?.get(instanceId), arrivals);
    if (!start) return undefined;
    const { verified, entries, broken } = await log.walk(start);
    const chain: Chain = { centerId, instanceId, verified, ...(broken && { break: broken }) };
    await space.put(`${centerId}/${instanceId}`, chain);
    hold(chain);
    return { instanceId, entries, forkedAt: broken?.forked ? broken.n : undefined };
  }

  async function isContradicted(
    centerId: string,
    { instanceId, head }: { instanceId: string; head: LogHead },
  ): Promise<boolean> {
    const verified = chains.get(centerId)?.get(instanceId)?.verified.n ?? 0;
    if (head.n <= 0 || head.n > verified) return false;
    const entry = await createLogReader(parts, centerId, instanceId).entry(head.n);
    return entry !== undefined && entry.hash !== head.hash;
  }

  return {
    get: (centerId, instanceId) => chains.get(centerId)?.get(instanceId),
    list: (centerId) => [...(chains.get(centerId)?.values() ?? [])],
    async contradicted(centerId, heads) {
      const isOther = await Promise.all(heads.map((one) => isContradicted(centerId, one)));
      return heads.filter((_, index) => isOther[index]);
    },
    async follow(centerId, rows) {
      const news: ChainNews[] = [];
      for (const [instanceId, arrivals] of arrivalsByNode(rows)) {
        const found = await followNode(centerId, instanceId, arrivals);
        if (found) news.push(found);
      }
      return news;
    },
  };
}

/** Where verifying has to begin for what has come; `undefined` when it changes nothing. */
async function startOf(
  log: ReturnType<typeof createLogReader>,
  chain: Chain | undefined,
  arrivals: readonly Arrival[],
): Promise<LogHead | undefined> {
  if (!chain) return (await log.entry(arrivals[0]?.n ?? 1)) && EMPTY_LOG;
  const { verified } = chain;
  const again = arrivals.filter(({ n, suspicious }) => n <= verified.n && suspicious).map(({ n }) => n);
  if (again.length > 0) return log.headAt(Math.min(...again) - 1);
  return arrivals.some(({ n }) => n === verified.n + 1) ? verified : undefined;
}

function arrivalsByNode(rows: readonly CenterRow[]): Map<string, Arrival[]> {
  const arrivals = new Map<string, Arrival[]>();
  for (const { parts, leaves } of rows) {
    const place = placeInChain(parts.key);
    if (!place) continue;
    const suspicious = leaves.length > 1 || leaves[0]?.rev.startsWith('1-') !== true;
    const ofNode = arrivals.get(place.instanceId) ?? [];
    arrivals.set(place.instanceId, ofNode);
    ofNode.push({ n: place.n, suspicious });
  }
  return arrivals;
}
