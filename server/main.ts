import { Command, CommanderError } from 'commander';
import { messageOf, SyncError } from '../replication/errors.ts';
import { addCenterCommands } from './commands/center.ts';
import { addImportCommand } from './commands/import.ts';

const ENVIRONMENT = `
Environment:
  PORT         where it listens (4000)
  HOST         on which address (0.0.0.0)
  DATA_DIR     where it keeps its data (./data)
  HUB_URL      a CouchDB database to be the hub, with credentials (default: a LevelDB under DATA_DIR)
  ADMIN_TOKEN  at least 24 characters (default: made at the first start, kept in DATA_DIR/admin-token)
  LOG_LEVEL    fatal, error, warn, info, debug, trace or silent (info)

Commands work beside a running server, and without one. Exit codes: 0 done, 1 failed, 2 wrong usage.`;

process.exitCode = await main(process.argv, process.env);

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage. */
async function main(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = new Command('cbt-server')
    .description('The online side of CBT Sync: the hub, a feed for each center, and the API.')
    .addHelpText('after', ENVIRONMENT)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  program
    .command('start', { isDefault: true })
    .description('run the server until SIGTERM or SIGINT')
    .allowExcessArguments()
    .action(async (_options, { args: [unknown] }: Command) => {
      // As the default command it is also given every name that is no command.
      if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`);
      const { start } = await import('./commands/start.ts');
      await start(env);
    });
  addCenterCommands(program, env, console.log);
  addImportCommand(program, env, console.log);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`cbt-server: ${error instanceof SyncError ? error.reason : messageOf(error)}`);
    return 1;
  }
}
