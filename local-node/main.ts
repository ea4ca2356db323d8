import { Command, CommanderError } from 'commander';
import { messageOf, SyncError } from '../replication/errors.ts';
import { addPackageCommands } from './commands/package.ts';
import { addPinCommand } from './commands/pin.ts';
import { addRegisterCommand } from './commands/register.ts';
import { addReplicateCommand } from './commands/replicate.ts';
import { addSetupCommand } from './commands/setup.ts';
import { start } from './commands/start.ts';
import { addStatusCommands } from './commands/status.ts';
import { addVerifyCommands } from './commands/verify.ts';
import { addWipeCommand } from './commands/wipe.ts';

const ENVIRONMENT = `
Environment:
  PORT                  where it listens (5000)
  HOST                  on which address (127.0.0.1: this machine only)
  DATA_DIR              where it keeps its data (./data-node)
  LOG_LEVEL             fatal, error, warn, info, debug, trace or silent (info)
  LINE_SILENCE_SECONDS  how long the line may be silent before it is given up (30)

Commands work beside a running node, and without one. Exit codes: 0 done, 1 failed, 2 wrong usage.`;

process.exitCode = await main(process.argv, process.env);

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage. */
async function main(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = new Command('cbt-node')
    .description('A test center’s replica: works without a line, replicates when there is one.')
    .addHelpText('after', ENVIRONMENT)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  addSetupCommand(program, env, console.log, process.stdin);
  addRegisterCommand(program, env, console.log);
  program
    .command('start', { isDefault: true })
    .description('run the node until SIGTERM or SIGINT')
    .allowExcessArguments()
    .action(async (_options, { args: [unknown] }: Command) => {
      // As the default command it is also given every name that is no command.
      if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`);
      await start(env);
    });
  addPinCommand(program, env, console.log, process.stdin);
  addReplicateCommand(program, env, console.log);
  addStatusCommands(program, env, console.log);
  addVerifyCommands(program, env, console.log);
  addPackageCommands(program, env, console.log);
  addWipeCommand(program, env, console.log);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`cbt-node: ${error instanceof SyncError ? error.reason : messageOf(error)}`);
    return 1;
  }
}
