import type { ClassicLevel } from 'classic-level';
import type { OnFailure } from '../replication/pouch.ts';

const WRITES = ['_put', '_del', '_batch'] as const;
type Writes = Record<(typeof WRITES)[number], (...given: unknown[]) => Promise<void>>;

/**
 * Lets a LevelDB take no write after one that failed, until it is opened anew: LevelDB may have left half a record at
 * the end of its log, and what is written behind that would be acknowledged and lost.
 */
export function stopAtFailure(level: ClassicLevel<string, string>, onFailure: OnFailure): void {
  const writes = level as unknown as Writes;
  let failure: unknown;
  for (const name of WRITES) {
    const write = writes[name].bind(level);
    writes[name] = async (...given) => {
      if (failure) throw failure;
      try {
        await write(...given);
      } catch (error) {
        failure ??= error;
        onFailure(error);
        throw error;
      }
    };
  }
}
