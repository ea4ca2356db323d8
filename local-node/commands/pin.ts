import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { withNodeApi } from './api.ts';

/** `cbt-node pin`: chooses the operator's PIN, from standard input, where nobody else on the machine reads it. */
export function addPinCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  input: NodeJS.ReadStream,
): void {
  program
    .command('pin')
    .description('choose the operator’s PIN; it is read from standard input')
    .action(async () => {
      const pin = (await text(input)).trim();
      await withNodeApi(env, (api) => api.request('PUT', '/api/operator/pin', { pin }));
      print('The PIN is set: it is asked for from now on.');
    });
}
