import { type Command, InvalidArgumentError } from 'commander';
import { readJsonFile, writeJsonFile } from '../../replication/json-file.ts';
import type { CenterAnswer } from '../control/schemas.ts';
import { withServerApi } from './api.ts';

interface CenterFields {
  name?: string;
  town?: string;
  state?: string;
  seats?: number;
  timezone?: string;
}

/** `cbt-server center add | list | secret | register | assign | withdraw`. */
export function addCenterCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  const center = program.command('center').description('add centers and assign tests to them');

  center
    .command('add')
    .description('add a center, or give one that was imported its secret; prints the secret, this once')
    .argument('<center>', 'its id, for example LAG-001')
    .option('--name <name>', 'its name; needed unless the center was imported')
    .option('--town <town>')
    .option('--state <state>')
    .option('--seats <count>', 'how many candidates it seats', parseCount)
    .option('--timezone <zone>', 'for example Africa/Lagos')
    .option('--json', 'print JSON')
    .action(async (centerId: string, { json, ...fields }: CenterFields & { json?: boolean }) => {
      const added = await withServerApi(env, (api) =>
        api.request<{ secret: string }>('POST', '/api/centers', { centerId, ...fields }),
      );
      if (json) return print(JSON.stringify(added));
      print(`center ${centerId} added`);
      print(`secret: ${added.secret}`);
      print('The secret is kept as a hash only: note it now.');
    });

  center
    .command('list')
    .description('list the centers')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const { centers } = await withServerApi(env, (api) =>
        api.request<{ centers: CenterAnswer[] }>('GET', '/api/centers'),
      );
      if (json) return print(JSON.stringify(centers));
      for (const line of centerTable(centers)) print(line);
    });

  center
    .command('secret')
    .description('replace a center’s secret; the old one is dead at once')
    .argument('<center>', 'its id')
    .option('--json', 'print JSON')
    .action(async (centerId: string, { json }: { json?: boolean }) => {
      const path = `/api/centers/${encodeURIComponent(centerId)}/secret`;
      const made = await withServerApi(env, (api) => api.request<{ secret: string }>('POST', path));
      if (json) return print(JSON.stringify(made));
      print(`secret: ${made.secret}`);
      print(`The old secret of ${centerId} is dead.`);
    });

  center
    .command('register')
    .description('register the keys of a center’s node that has no line; leaves a file to take back')
    .argument('<center>', 'its id')
    .argument('<request>', 'the file that "cbt-node setup --offline" wrote there')
    .requiredOption('--out <file>', 'where to write the answer, for "cbt-node register"')
    .action(async (centerId: string, request: string, { out }: { out: string }) => {
      const body = await readJsonFile(request);
      const path = `/api/centers/${encodeURIComponent(centerId)}/nodes`;
      const answer = await withServerApi(env, (api) => api.request('POST', path, body));
      await writeJsonFile(out, answer);
      print(`${out}: take it to ${centerId}`);
    });

  addAssignmentCommand(center, env, print, { name: 'assign', method: 'PUT' });
  addAssignmentCommand(center, env, print, { name: 'withdraw', method: 'DELETE' });
}

function addAssignmentCommand(
  center: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  { name, method }: { name: 'assign' | 'withdraw'; method: 'PUT' | 'DELETE' },
): void {
  const isAssign = name === 'assign';
  center
    .command(name)
    .description(isAssign ? 'assign tests to a center' : 'withdraw tests from a center')
    .argument('<center>', 'the center’s id')
    .argument('<tests...>', 'the tests’ ids')
    .action(async (centerId: string, tests: string[]) => {
      await withServerApi(env, async (api) => {
        for (const testId of tests) {
          const path = `/api/tests/${encodeURIComponent(testId)}/centers/${encodeURIComponent(centerId)}`;
          const { changed } = await api.request<{ changed: boolean }>(method, path);
          const done = isAssign ? `assigned to ${centerId}` : `withdrawn from ${centerId}`;
          print(changed ? `test ${testId} ${done}` : `test ${testId} was ${done} already`);
        }
      });
    });
}

function parseCount(text: string): number {
  const count = Number(text);
  // Commander takes any throw as the reason why an argument is refused.
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('not a whole number');
  return count;
}

function centerTable(centers: CenterAnswer[]): string[] {
  if (centers.length === 0) return ['no centers'];
  const rows = centers.map(({ centerId, name, hasSecret, assigned }) => [
    centerId,
    hasSecret ? 'secret' : 'no secret',
    `${assigned.length} ${assigned.length === 1 ? 'test' : 'tests'}`,
    name,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}
