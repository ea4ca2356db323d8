import { readFile, writeFile } from 'node:fs/promises';

/** What a process has used, from Linux's /proc; all are NaN where there is none. */
export interface Usage {
  cpuSeconds: number;
  residentBytes: number;
  /** The most it was since `resetPeak`. */
  peakResidentBytes: number;
}

/** Linux counts CPU time in hundredths of a second on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

export async function usageOf(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all([procFile(pid, 'stat'), procFile(pid, 'status')]);
  // The second field, the name, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: kilobytes(status, 'VmRSS'),
    peakResidentBytes: kilobytes(status, 'VmHWM'),
  };
}

/** Lets the peak begin anew. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {});
}

function procFile(pid: number, name: string): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
}

function kilobytes(status: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match ? Number(match[1]) * 1024 : Number.NaN;
}
