import type { Command } from 'commander';
import { SyncError } from '../../replication/errors.ts';
import type { Difference } from '../../replication/node-report.ts';
import type { RepairReport } from '../repair.ts';
import type { VerifyAnswer } from '../routes/schemas.ts';
import { withNodeApi } from './api.ts';

/** `cbt-node verify` and `cbt-node repair`. */
export function addVerifyCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  program
    .command('verify')
    .description(
      'show that the replica is exactly what the server holds for this center, or name what differs',
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await withNodeApi(env, (api) => api.request<VerifyAnswer>('POST', '/api/verify'));
      if (json) print(JSON.stringify(found));
      else for (const line of verifyLines(found)) print(line);
      if (!found.equal) process.exitCode = 1;
    });

  program
    .command('repair')
    .description('bring back the documents that differ, and only those')
    .action(async () => {
      const { repaired, remaining } = await withNodeApi(env, (api) =>
        api.request<RepairReport>('POST', '/api/repair'),
      );
      for (const line of differenceLines(repaired)) print(`repaired: ${line}`);
      if (repaired.length + remaining.length === 0) print('nothing to repair');
      if (remaining.length === 0) return;
      for (const line of differenceLines(remaining)) print(line);
      throw new SyncError('conflict', `${documents(remaining.length)} still differ`);
    });
}

function verifyLines({ equal, comparedWith, reason, documents: count, differences }: VerifyAnswer): string[] {
  const lines = differenceLines(differences);
  if (comparedWith === 'record') {
    const record = differences.length === 0 ? 'nothing was changed behind the node’s back' : 'see above';
    lines.push(`not compared with the server: ${reason}; by the node’s own record: ${record}`);
  } else if (equal) {
    lines.push(`equal: ${documents(count)}`);
  } else if (differences.length > 0) {
    lines.push(`${documents(differences.length)} of ${count} differ; "cbt-node repair" brings them back`);
  } else {
    lines.push('not equal yet: documents are being written on both sides; try again');
  }
  return lines;
}

function differenceLines(differences: readonly Difference[]): string[] {
  return differences.map(({ id, problem }) => `${problem}: ${id}`);
}

function documents(count: number): string {
  return `${count} ${count === 1 ? 'document' : 'documents'}`;
}
