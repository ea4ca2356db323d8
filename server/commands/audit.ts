import type { Command } from 'commander';
import { withServerApi } from './api.ts';

interface Verified {
  entries: number;
  broken: { n: number; reason: string } | null;
}

/** `cbt-server audit verify`. */
export function addAuditCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  program
    .command('audit')
    .description('the log of what was done')
    .command('verify')
    .description('is it whole? exits 1 when an entry was altered or is missing')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const verified = await withServerApi(env, (api) => api.request<Verified>('POST', '/api/audit/verify'));
      const { entries, broken } = verified;
      if (broken) process.exitCode = 1;
      if (json) return print(JSON.stringify(verified));
      print(broken ? `broken at entry ${broken.n}: ${broken.reason}` : `whole: ${entries} entries`);
    });
}
