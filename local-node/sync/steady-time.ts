/** The time by which rounds are due, in milliseconds: it only goes forward, whatever the system time is set to. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
