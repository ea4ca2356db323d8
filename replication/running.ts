import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a running process can be asked, and with which token. */
export interface RunningProcess {
  url: string;
  token: string;
}

const FILE = 'running.json';
const ANSWER_TIMEOUT_MS = 3000;

/** Leaves this process's address in `<dataDir>/running.json`, readable by its owner only; removed when disposed. */
export async function announceRunning(dataDir: string, running: RunningProcess): Promise<AsyncDisposable> {
  const file = join(dataDir, FILE);
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify({ ...running, pid: process.pid })}\n`, { mode: 0o600 });
  await rename(draft, file);
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** The process that runs on `dataDir`, `undefined` when none does or it no longer answers (it was killed). */
export async function findRunning(dataDir: string): Promise<RunningProcess | undefined> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(absent);
  if (text === undefined) return undefined;
  const { url, token, pid } = JSON.parse(text) as RunningProcess & { pid: number };
  // The port of a process that was killed may be another program's by now: it must not be sent the token.
  if (!isAlive(pid)) return undefined;
  const answer = await fetch(new URL('/health/live', url), {
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok ? { url, token } : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
