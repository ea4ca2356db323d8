import type { Command } from 'commander';
import type { ApiClient } from '../../replication/api-client.ts';
import { type ErrorCode, SyncError } from '../../replication/errors.ts';
import { boundHeap } from '../../replication/heap.ts';
import { savePackage } from '../../replication/package/save.ts';
import { expectReadable, sending } from '../../replication/package/send.ts';
import { createProgress, type Progress } from '../../replication/progress.ts';
import type { ImportReport } from '../package/imports.ts';
import type { Comparison, ImportLine } from '../routes/packages.ts';
import { withNodeApi } from './api.ts';

/** `cbt-node package import | create`. */
export function addPackageCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  const command = program.command('package').description('exchange documents with the server by file');

  command
    .command('import')
    .description('take in a package of the server’s: documents, or receipts; again changes nothing')
    .argument('<file>', 'the package, *.cbtpkg')
    .option('--verify', 'change nothing: compare the replica with a snapshot, and name every difference')
    .option('--json', 'print JSON')
    .action(async (file: string, { verify, json }: { verify?: boolean; json?: boolean }) => {
      boundHeap();
      await expectReadable(file);
      if (verify) return compareFile(env, file, { json, print });
      const progress = createProgress(process.stderr, 'importing');
      const report = await withNodeApi(env, (api) => importFile(api, file, progress));
      print(json ? JSON.stringify(report) : summaryOf(report));
    });

  command
    .command('create')
    .description('make a package for the server: what was written here and is not known to be online')
    .option('--out <file>', 'where to write it; without it a file in this folder')
    .option('--all', 'all that was written here, confirmed or not')
    .action(async ({ out, all }: { out?: string; all?: boolean }) => {
      boundHeap();
      const path = `/api/packages/results?since=${all ? 'zero' : 'last'}`;
      const { file } = await withNodeApi(env, (api) =>
        savePackage((signal) => api.open(path, { signal }), out),
      );
      print(`${file}: take it to the server`);
    });
}

async function compareFile(
  env: NodeJS.ProcessEnv,
  file: string,
  { json, print }: { json: boolean | undefined; print(line: string): void },
): Promise<void> {
  const found = await withNodeApi(env, async (api) => {
    const response = await api.open('/api/packages/compare', sending(file));
    return (await response.json()) as Comparison;
  });
  if (json) print(JSON.stringify(found));
  else for (const { id, problem } of found.differences) print(`${problem}: ${id}`);
  if (!json && found.equal) print('equal');
  if (!found.equal) process.exitCode = 1;
}

async function importFile(api: ApiClient, file: string, progress: Progress): Promise<ImportReport> {
  const response = await api.open('/api/packages', sending(file, { accept: 'application/x-ndjson' }));
  let rest = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        const line = JSON.parse(text) as ImportLine;
        if ('report' in line) return line.report;
        if ('error' in line) throw new SyncError(line.error as ErrorCode, line.reason);
        progress.update(line.progress.revisions, line.progress.total ?? undefined);
      }
    }
  } finally {
    progress.end();
  }
  throw new SyncError('unreachable', 'the node broke off the import: it goes on when the node starts again');
}

function summaryOf({ kind, madeAt, documents, written, repeated }: ImportReport): string {
  const what = `${kind} of ${madeAt}: ${documents} ${documents === 1 ? 'document' : 'documents'}`;
  const again = repeated ? ', imported before' : '';
  return `${what}, ${written} ${written === 1 ? 'revision' : 'revisions'} new here${again}`;
}
