import type { Command } from 'commander';
import { boundHeap } from '../../replication/heap.ts';
import { REPORT_HEADER } from '../../replication/package/manifest.ts';
import { savePackage } from '../../replication/package/save.ts';
import { expectReadable, sending } from '../../replication/package/send.ts';
import { withServerApi } from './api.ts';

interface CreateFlags {
  since: string;
  test?: string[];
  kind: string;
  out?: string;
}

/** `cbt-server package create | import`. */
export function addPackageCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  const command = program.command('package').description('exchange documents with a center by file');

  command
    .command('create')
    .description('make a package for a center: what its nodes have not confirmed yet')
    .argument('<center>', 'its id, for example LAG-001')
    .option('--since <since>', 'last, zero, or a sequence of the center’s feed', 'last')
    .option('--test <test...>', 'only these of its tests')
    .option(
      '--kind <kind>',
      'download, or snapshot: all there is, for a replica that has moved on',
      'download',
    )
    .option('--out <file>', 'where to write it; without it a file in this folder')
    .action(async (centerId: string, { since, test: tests, kind, out }: CreateFlags) => {
      boundHeap();
      const path = `/sync/download/${encodeURIComponent(centerId)}`;
      const body = JSON.stringify({ since, kind, ...(tests ? { tests } : {}) });
      const headers = { 'content-type': 'application/json' };
      const { file } = await withServerApi(env, (api) =>
        savePackage((signal) => api.open(path, { method: 'POST', headers, body, signal }), out),
      );
      print(`${file}: take it to ${centerId}`);
    });

  command
    .command('import')
    .description('take in a center’s package; leaves a package of receipts to take back')
    .argument('<center>', 'the center’s id')
    .argument('<file>', 'the package, *.cbtpkg')
    .option('--out <file>', 'where to write the receipts; without it a file in this folder')
    .action(async (centerId: string, file: string, { out }: { out?: string }) => {
      boundHeap();
      await expectReadable(file);
      const path = `/sync/upload/${encodeURIComponent(centerId)}`;
      const saved = await withServerApi(env, (api) =>
        savePackage((signal) => api.open(path, { ...sending(file), signal }), out),
      );
      const report = JSON.parse(saved.headers.get(REPORT_HEADER) ?? '{}') as UploadCounts;
      const { documents, written, refused } = report;
      print(`${documents} documents, ${written} revisions new here, ${refused} refused`);
      print(`${saved.file}: take it back to ${centerId}`);
    });
}

interface UploadCounts {
  documents: number;
  written: number;
  refused: number;
}
