import type { CenterRow } from './center-rows.ts';

/** What is to be verified at one center. */
export interface DueWork {
  results: string[];
  logs: CenterRow[];
}

/** What is to be verified, by center. */
export interface Due {
  readonly size: number;
  addResults(centerId: string, enrollmentIds: Iterable<string>): void;
  addLogs(centerId: string, rows: readonly CenterRow[]): void;
  /** A center with something due. */
  next(): string | undefined;
  /** Takes all that is due at a center. */
  take(centerId: string): DueWork;
}

export function createDue(): Due {
  const byCenter = new Map<string, { results: Set<string>; logs: CenterRow[] }>();

  function at(centerId: string) {
    const found = byCenter.get(centerId) ?? { results: new Set<string>(), logs: [] };
    byCenter.set(centerId, found);
    return found;
  }

  return {
    get size() {
      return byCenter.size;
    },
    addResults(centerId, enrollmentIds) {
      for (const enrollmentId of enrollmentIds) at(centerId).results.add(enrollmentId);
    },
    addLogs(centerId, rows) {
      if (rows.length > 0) at(centerId).logs.push(...rows);
    },
    next: () => byCenter.keys().next().value,
    take(centerId) {
      const taken = byCenter.get(centerId);
      byCenter.delete(centerId);
      return { results: [...(taken?.results ?? [])], logs: taken?.logs ?? [] };
    },
  };
}
