import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ROOT } from '../../harness/child.ts';
import type { LightJob } from './job.ts';

/**
 * Runs light clients in a process of their own. `prepared` is called when they are connected and before they begin.
 * @throws Error when the clients' process fails.
 */
export async function runLight<Result>(job: LightJob, prepared: () => Promise<void>): Promise<Result> {
  const child = spawn(process.execPath, ['test/bench/light/main.ts'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.write(`${JSON.stringify(job)}\n`);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the light clients failed; their reason stands above');
    return JSON.parse(value) as unknown;
  };
  await next();
  await prepared();
  child.stdin.end();
  const result = (await next()) as Result;
  await once(child, 'exit');
  return result;
}
