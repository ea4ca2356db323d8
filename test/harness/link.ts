/** One direction of a line, shared by all connections over it. */
export interface Link {
  /** Puts bytes on the wire behind what is there; resolves when they have left it, and the wire is free again. */
  sent(bytes: number): Promise<void>;
  /** Resolves when all that was sent before has arrived: half a round trip after it left. In order of the calls. */
  arrived(): Promise<void>;
}

/** What a line is like; may change at any time. */
export interface LinkQuality {
  roundTripMs: number;
  bitsPerSecond: number | undefined;
}

export function createLink(quality: LinkQuality): Link {
  const leaving = createTimeline();
  const arriving = createTimeline();
  let freeAt = 0;
  return {
    sent(bytes) {
      const sendingMs = quality.bitsPerSecond ? (bytes * 8 * 1000) / quality.bitsPerSecond : 0;
      freeAt = Math.max(performance.now(), freeAt) + sendingMs;
      return leaving.at(freeAt);
    },
    arrived: () => arriving.at(Math.max(freeAt, performance.now()) + quality.roundTripMs / 2),
  };
}

/** Resolves in the order of the calls, each at its time or, if that is earlier, with the one before it. */
function createTimeline(): { at(time: number): Promise<void> } {
  const queue: { time: number; resolve(): void }[] = [];
  let timer: NodeJS.Timeout | undefined;

  function run(): void {
    timer = undefined;
    const now = performance.now();
    while (queue[0] && queue[0].time <= now + 0.5) queue.shift()?.resolve();
    if (queue[0]) timer = setTimeout(run, queue[0].time - now);
  }

  return {
    at: (time) =>
      new Promise((resolve) => {
        queue.push({ time, resolve });
        if (!timer) run();
      }),
  };
}
