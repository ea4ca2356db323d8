/** How fast centers receive, measured by how much less they lack from one look to the next. */
export interface Speeds {
  /** A look at a center: so many documents are pending. */
  seen(centerId: string, pending: number | null, atMs: number): void;
  /** How long a center will need for what it lacks; `undefined` while nobody's speed was measured. */
  secondsFor(centerId: string, pending: number): number | undefined;
  /** Documents per second, over all centers that were measured. */
  readonly usual: number | undefined;
}

interface Look {
  pending: number;
  atMs: number;
  perSecond: number | undefined;
}

/** How much the newest measurement counts. */
const WEIGHT = 0.4;
/** Longer between two looks, and the center was not at work all the time. */
const LONGEST_MS = 30_000;

export function createSpeeds(): Speeds {
  const looks = new Map<string, Look>();
  let usual: number | undefined;

  return {
    get usual() {
      return usual;
    },
    seen(centerId, pending, atMs) {
      if (pending === null) return;
      const before = looks.get(centerId);
      const lapsedMs = before ? atMs - before.atMs : 0;
      const received = before ? before.pending - pending : 0;
      let perSecond = before?.perSecond;
      if (received > 0 && lapsedMs > 0 && lapsedMs <= LONGEST_MS) {
        const measured = (received * 1000) / lapsedMs;
        perSecond = mix(perSecond, measured);
        usual = mix(usual, measured);
      }
      looks.set(centerId, { pending, atMs, perSecond });
    },
    secondsFor(centerId, pending) {
      const perSecond = looks.get(centerId)?.perSecond ?? usual;
      return perSecond === undefined ? undefined : Math.ceil(pending / perSecond);
    },
  };
}

function mix(before: number | undefined, measured: number): number {
  return before === undefined ? measured : before + WEIGHT * (measured - before);
}
