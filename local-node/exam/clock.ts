import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/**
 * The node's own clock, which a changed system time does not fool. Within one run it follows the process's monotonic
 * clock; from one run to the next, the time since the machine was switched on. Only when the machine was off in between
 * is the system time asked, and it can then set the clock forward, never back.
 */

/** What the machine says of time. */
export interface ClockReading {
  /** Another one each time the machine is switched on; empty where it cannot be known. */
  bootId: string;
  /** Since the machine was switched on. */
  uptimeMs: number;
  /** The system time, Unix milliseconds. */
  systemMs: number;
}

/** Where the clock stood, kept on the disk, and what the machine said then. */
export interface ClockMark extends ClockReading {
  /** The node's time, Unix milliseconds. */
  timeMs: number;
  /** Working time: all the time this node has run, in milliseconds. */
  workingMs: number;
}

export interface ExamClock {
  /** The node's time. */
  now(): Date;
  /** Working time so far, in milliseconds: what a session's duration is measured in. */
  workingMs(): number;
  /** To be kept now and then; what was never kept is not charged to anybody. */
  mark(): ClockMark;
  /** What has befallen the time since the last call; of the first one, since the last mark of the run before. */
  jumps(): ClockJump[];
  /** Sets the node's time; working time goes on as before. @returns by how many milliseconds it was wrong. */
  correct(timeMs: number): number;
}

/** The system time was set, or the machine slept: the time went on then, and the working time stood still. */
export interface ClockJump {
  by: 'system' | 'sleep';
  ms: number;
}

/** Longer outages are charged to candidates up to here only: nobody can work while the node is down. */
const MOST_CHARGED_MS = 60_000;
/** Smaller differences are the system clock's own corrections. */
const LEAST_JUMP_MS = 2000;

/** Where a clock goes on after `mark`; `systemMs` is what the system time is then, unless it was set meanwhile. */
export function resumeAt(
  mark: ClockMark | undefined,
  { bootId, uptimeMs, systemMs }: ClockReading,
): Pick<ClockMark, 'timeMs' | 'workingMs' | 'systemMs'> {
  if (!mark) return { timeMs: systemMs, workingMs: 0, systemMs };
  const isSameBoot = bootId !== '' && bootId === mark.bootId && uptimeMs >= mark.uptimeMs;
  if (!isSameBoot) {
    const notBefore = (time: number) => Math.max(systemMs, time);
    return {
      timeMs: notBefore(mark.timeMs),
      workingMs: mark.workingMs,
      systemMs: notBefore(mark.systemMs),
    };
  }
  const goneMs = uptimeMs - mark.uptimeMs;
  return {
    timeMs: mark.timeMs + goneMs,
    workingMs: mark.workingMs + Math.min(goneMs, MOST_CHARGED_MS),
    systemMs: mark.systemMs + goneMs,
  };
}

/** @param monotonicMs a clock of this process that only goes forward, and stands still while the machine sleeps. */
export function startClock(
  mark: ClockMark | undefined,
  read: () => ClockReading = readMachine,
  monotonicMs: () => number = () => performance.now(),
): ExamClock {
  const startedAt = monotonicMs();
  const reading = read();
  const { workingMs, ...resumed } = resumeAt(mark, reading);
  let { timeMs } = resumed;
  let offsetMs = resumed.systemMs - timeMs;
  let sleptMs = 0;
  const goneMs = () => monotonicMs() - startedAt;
  const timeNow = () => timeMs + sleptMs + goneMs();

  return {
    now: () => new Date(timeNow()),
    workingMs: () => workingMs + goneMs(),
    mark: () => ({ ...read(), timeMs: timeNow(), workingMs: workingMs + goneMs() }),
    jumps() {
      const { uptimeMs, systemMs } = read();
      const slept = uptimeMs - reading.uptimeMs - goneMs() - sleptMs;
      if (slept >= LEAST_JUMP_MS) sleptMs += slept;
      const before = offsetMs;
      offsetMs = systemMs - timeNow();
      const jumps: ClockJump[] = [
        { by: 'sleep', ms: Math.max(0, Math.round(slept)) },
        { by: 'system', ms: Math.round(offsetMs - before) },
      ];
      return jumps.filter(({ ms }) => Math.abs(ms) >= LEAST_JUMP_MS);
    },
    correct(trueMs) {
      const wrongMs = Math.round(trueMs - timeNow());
      timeMs += wrongMs;
      offsetMs -= wrongMs;
      return wrongMs;
    },
  };
}

function readMachine(): ClockReading {
  return { bootId: bootId(), uptimeMs: uptime() * 1000, systemMs: Date.now() };
}

let knownBootId: string | undefined;

/** It does not change while this process lives. */
function bootId(): string {
  knownBootId ??= readBootId();
  return knownBootId;
}

function readBootId(): string {
  try {
    if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    if (process.platform === 'darwin') {
      return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
    }
    return '';
  } catch {
    return '';
  }
}
