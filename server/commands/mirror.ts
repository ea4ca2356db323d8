import type { Command } from 'commander';
import type { MirrorStatus } from '../mirrors/mirror.ts';
import type { Verification } from '../mirrors/store.ts';
import { withServerApi } from './api.ts';

/** How many differences are printed; `--json` has more. */
const PRINTED = 50;

/** `cbt-server mirror status | rebuild | verify`. */
export function addMirrorCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  const mirror = program.command('mirror').description('the copies of the hub in MongoDB and Redis');

  mirror
    .command('status')
    .description('where each mirror stands')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const { mirrors } = await withServerApi(env, (api) =>
        api.request<{ mirrors: MirrorStatus[] }>('GET', '/api/mirrors'),
      );
      if (json) return print(JSON.stringify(mirrors));
      if (mirrors.length === 0) print('no mirrors: neither MONGODB_URI nor REDIS_URL is set');
      for (const status of mirrors) print(statusLine(status));
    });

  mirror
    .command('rebuild')
    .description('mirror the hub again from its beginning')
    .argument('<mirror>', 'mongo or redis')
    .action(async (name: string) => {
      const path = `/api/mirrors/${encodeURIComponent(name)}/rebuild`;
      const status = await withServerApi(env, (api) => api.request<MirrorStatus>('POST', path));
      print(`rebuilt; ${statusLine(status)}`);
    });

  mirror
    .command('verify')
    .description('compare a mirror with the hub; exits 1 when they differ')
    .argument('<mirror>', 'mongo or redis')
    .option('--json', 'print JSON')
    .action(async (name: string, { json }: { json?: boolean }) => {
      const path = `/api/mirrors/${encodeURIComponent(name)}/verify`;
      const verified = await withServerApi(env, (api) =>
        api.request<Verification & { equal: boolean }>('POST', path),
      );
      if (!verified.equal) process.exitCode = 1;
      if (json) return print(JSON.stringify(verified));
      for (const line of verificationLines(verified)) print(line);
    });
}

function statusLine({ name, state, behindDocuments, behindSeconds, error }: MirrorStatus): string {
  const behind =
    behindSeconds === 0 ? 'up to date' : `behind by ${behindDocuments ?? '?'} changes, ${behindSeconds} s`;
  return `${name}: ${state}, ${behind}${error === null ? '' : ` (${error})`}`;
}

function verificationLines({ counts, differences, more }: Verification): string[] {
  const lines = Object.entries(counts).map(
    ([name, { hub, mirror }]) => `${name}: ${hub} in the hub, ${mirror} mirrored`,
  );
  const named = differences.slice(0, PRINTED).map(({ id, problem }) => `${problem}: ${id}`);
  const rest = differences.length - named.length;
  if (rest > 0 || more) named.push(`and ${rest}${more ? ' or more' : ''} others`);
  return [...lines, ...named, differences.length === 0 ? 'equal' : 'not equal'];
}
