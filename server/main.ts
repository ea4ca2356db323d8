import { Command, CommanderError } from 'commander';
import { messageOf, SyncError } from '../replication/errors.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCenterCommands } from './commands/center.ts';
import { addImportCommand } from './commands/import.ts';
import { addMirrorCommands } from './commands/mirror.ts';
import { addNodeCommands } from './commands/node.ts';
import { addPackageCommands } from './commands/package.ts';
import { addQuarantineCommands } from './commands/quarantine.ts';

const ENVIRONMENT = `
Environment:
  PORT                where it listens (4000)
  HOST                on which address (0.0.0.0)
  DATA_DIR            where it keeps its data (./data)
  HUB_URL             a CouchDB database to be the hub, with credentials (default: a LevelDB under DATA_DIR)
  ADMIN_TOKEN         at least 24 characters (default: made at the first start, kept in DATA_DIR/admin-token)
  MONGODB_URI         a MongoDB database to mirror the hub into
  REDIS_URL           a Redis for live states and events
  INGEST_MONGODB_URI  the registration service's MongoDB database, to take enrollments from
  RESOLVE_CONFLICTS   on, or off: every conflict waits for a person (on)
  CONFLICT_SETTLE_MS  how long a conflict is left alone first, so that all its sides arrive (1500)
  INGEST_POLL_SECONDS how often a MongoDB without change streams is read (1)
  MIRROR_LEASE_SECONDS  how long a mirror is left to a server that is not heard of (10)
  LOG_LEVEL           fatal, error, warn, info, debug, trace or silent (info)

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
  addMirrorCommands(program, env, console.log);
  addAuditCommand(program, env, console.log);
  addPackageCommands(program, env, console.log);
  addNodeCommands(program, env, console.log);
  addQuarantineCommands(program, env, console.log);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`cbt-server: ${error instanceof SyncError ? error.reason : messageOf(error)}`);
    return 1;
  }
}
