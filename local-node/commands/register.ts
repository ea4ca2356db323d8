import type { Command } from 'commander';
import { readConfig } from '../config.ts';
import { takeAnswer } from '../offline-keys.ts';

/** `cbt-node register`: the second half of a setup without a line. */
export function addRegisterCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  program
    .command('register')
    .description('take in the server’s keys after a setup without a line')
    .argument('<answer>', 'the file that "cbt-server center register" wrote')
    .action(async (answer: string) => {
      const centerId = await takeAnswer(readConfig(env).dataDir, answer);
      print(`the node of ${centerId} knows the server’s keys: packages can be imported`);
    });
}
