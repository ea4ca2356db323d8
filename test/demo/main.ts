import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../replication/errors.ts';
import { checkPreconditions, Obstacle } from './preconditions.ts';
import { createScreen } from './screen.ts';
import { type Told, tell } from './story.ts';

const program = new Command('npm run demo --')
  .description(
    'A server and two centers on this machine: an exam is imported, replicated, sat offline, and synced.',
  )
  .option('--once', 'end when all is shown: exit 0 if hub and replicas hold exactly what they must, else 1')
  .option(
    '--ports <list>',
    'of the server and the two nodes; 0 is any free one',
    parsePorts,
    [4000, 5000, 5001],
  )
  .option('--folder <path>', 'where all data goes; removed at the end', 'data-demo')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const options = program.opts<{ once?: boolean; ports: number[]; folder: string }>();
const interruption = new AbortController();
// Also for a second Ctrl-C while the processes stop: it is not needed, and must not leave them behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interruption.abort());
// Who read what is told has gone, or the terminal has.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interruption.abort());
process.exitCode = await main(interruption.signal);

function parsePorts(text: string): number[] {
  const ports = text.split(',').map(Number);
  const isPort = (port: number) => Number.isInteger(port) && port >= 0 && port < 65_536;
  const isOnce = (port: number, index: number) => port === 0 || ports.indexOf(port) === index;
  if (ports.length === 3 && ports.every(isPort) && ports.every(isOnce)) return ports;
  throw new InvalidArgumentError('three different ports, for example 4000,5000,5001');
}

/** @returns the exit code. */
async function main(signal: AbortSignal): Promise<number> {
  const screen = createScreen(process.stdout, { colored: !process.env.NO_COLOR, signal });
  const { folder } = options;
  const [server = 0, ...nodes] = options.ports;
  try {
    await checkPreconditions(folder, options.ports);
  } catch (error) {
    if (!(error instanceof Obstacle)) throw error;
    console.error(`demo: ${error.message}`);
    return 1;
  }
  await using running = new AsyncDisposableStack();
  running.defer(() => rm(folder, { recursive: true, force: true }));
  screen.title('CBT Sync: one exam, one server, two centers, and a line that fails');
  try {
    const told = await tell(screen, { folder, ports: { server, nodes } }, running);
    if (told.differences.length > 0) {
      screen.fail('\nHub and replicas do not hold what they must:');
      for (const difference of told.differences) screen.fail(`  ${difference}`);
      return 1;
    }
    screen.say('\nHub and replicas hold exactly what they must.');
    if (!options.once) await stayUp(told);
    return 0;
  } catch (error) {
    // Ctrl-C reaches the processes too, and what comes of their end may be told a moment before the signal.
    await setImmediate();
    if (signal.aborted) return 130;
    screen.fail(`\ndemo: ${messageOf(error)}`);
    return 1;
  }

  async function stayUp({ server: online, places, line }: Told): Promise<void> {
    for (const { node } of places) await node.api.request('PUT', '/api/mode', { mode: 'continuous' });
    screen.say(`
  server        ${online.url}/docs          the API, to read and try out
                ${online.url}/couch/cbt     the hub, as a CouchDB database
  admin token   ${online.adminToken}`);
    for (const { centerId, node } of places) {
      screen.say(
        `  ${centerId.padEnd(13)} ${node.url}${' '.repeat(15)} its operator page; replicates by itself from now on`,
      );
    }
    screen.say(`  the line      ${line.url}  (the nodes reach the server through it)

Ctrl-C stops all and removes ${folder}.`);
    if (!signal.aborted) await once(signal, 'abort');
    screen.say('\nStopping.');
  }
}
