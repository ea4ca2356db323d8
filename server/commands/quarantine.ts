import { type Command, Option } from 'commander';
import type { QuarantinedWrite } from '../control/quarantine.ts';
import { withServerApi } from './api.ts';

/** `cbt-server quarantine list | accept | return`. */
export function addQuarantineCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  const quarantine = program.command('quarantine').description('writes of centers that were refused');

  quarantine
    .command('list')
    .description('what was refused, each with the key to decide on it by')
    .option('--center <center>', 'only those of one center')
    .addOption(new Option('--state <state>', 'only those').choices(['waiting', 'accepted', 'returned']))
    .option('--json', 'print JSON')
    .action(async ({ json, ...wanted }: { center?: string; state?: string; json?: boolean }) => {
      const path = `/api/quarantine?${new URLSearchParams({ ...wanted, limit: '10000' })}`;
      const { entries, more } = await withServerApi(env, (api) =>
        api.request<{ entries: QuarantinedWrite[]; more: boolean }>('GET', path),
      );
      if (json) return print(JSON.stringify(entries));
      if (entries.length === 0) print('nothing');
      for (const line of entries.flatMap(entryLines)) print(line);
      if (more) print('… and more: --center and --state show less');
    });

  addDecisionCommand(quarantine, env, print, 'accept');
  addDecisionCommand(quarantine, env, print, 'return');
}

function addDecisionCommand(
  quarantine: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  decision: 'accept' | 'return',
): void {
  quarantine
    .command(decision)
    .description(
      decision === 'accept' ? 'write them into the hub as they came' : 'leave them out; the center sees it',
    )
    .argument('<keys...>', 'their keys, as `list` prints them')
    .option('--note <text>', 'why; the center sees it')
    .action(async (keys: string[], { note }: { note?: string }) => {
      await withServerApi(env, async (api) => {
        for (const key of keys) {
          const body = { key, decision, note };
          const { state, id } = await api.request<QuarantinedWrite>('POST', '/api/quarantine/decide', body);
          print(`${state}: ${id}`);
        }
      });
    });
}

function entryLines({ key, id, at, state, reason, note }: QuarantinedWrite): string[] {
  const decided = note === undefined ? state : `${state}: ${note}`;
  return [key, `  ${at}  ${id}`, `  ${reason} (${decided})`];
}
