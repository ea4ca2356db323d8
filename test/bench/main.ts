import { cpus, totalmem } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../replication/errors.ts';
import type { Measurement, Row } from './row.ts';
import { boardPage } from './rows/board-page.ts';
import { candidatePage } from './rows/candidate-page.ts';
import { examSaves } from './rows/exam-saves.ts';
import { fastStart } from './rows/fast-start.ts';
import { firstReplica } from './rows/first-replica.ts';
import { importExports } from './rows/import-exports.ts';
import { indexBuild } from './rows/index-build.ts';
import { listeners } from './rows/listeners.ts';
import { manyPull } from './rows/many-pull.ts';
import { manyPush } from './rows/many-push.ts';
import { mirrorFromZero } from './rows/mirror-from-zero.ts';
import { mirrorKills } from './rows/mirror-kills.ts';
import { packages } from './rows/packages.ts';
import { resolver } from './rows/resolver.ts';
import { resultsUp } from './rows/results-up.ts';
import { serviceToNode } from './rows/service-to-node.ts';
import { sittingKilled } from './rows/sitting-killed.ts';
import { slowLine } from './rows/slow-line.ts';
import { waiting } from './rows/waiting.ts';
import { formatTable } from './table.ts';

const MEASUREMENTS: readonly Measurement[] = [
  firstReplica,
  manyPull,
  manyPush,
  slowLine,
  waiting,
  indexBuild,
  importExports,
  serviceToNode,
  mirrorFromZero,
  mirrorKills,
  listeners,
  examSaves,
  candidatePage,
  boardPage,
  sittingKilled,
  packages,
  fastStart,
  resultsUp,
  resolver,
];

const NAMES = MEASUREMENTS.map(({ name, description }) => `  ${name.padEnd(14)} ${description}`).join('\n');

const program = new Command('npm run bench --')
  .description('Measures this system beside stock PouchDB (express-pouchdb), on this machine, in one run.')
  .option('--only <names>', 'measure only these, separated by commas')
  .option(
    '--scale <factor>',
    'sizes against those of the targets, for example 0.1 for a quick look',
    parseScale,
    1,
  )
  .option('--exports <folder>', 'measure the import of these CSV files')
  .option('--minutes <count>', 'watch the board for so long; its target is 10', parseMinutes, 1)
  .addHelpText(
    'after',
    `\nMeasurements:\n${NAMES}\n\nExit codes: 0 measured, 1 a measurement failed, 2 wrong usage.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const { only, scale, exports, minutes } = program.opts<{
  only?: string;
  scale: number;
  exports?: string;
  minutes: number;
}>();
process.exitCode = await main(chosen(only));

function parseScale(text: string): number {
  const factor = Number(text);
  if (!(factor > 0 && factor <= 1)) throw new InvalidArgumentError('a number above 0, up to 1');
  return factor;
}

function parseMinutes(text: string): number {
  const count = Number(text);
  if (!(count > 0 && count <= 60)) throw new InvalidArgumentError('a number above 0, up to 60');
  return count;
}

function chosen(names: string | undefined): Measurement[] {
  if (names === undefined) return [...MEASUREMENTS];
  return names.split(',').map((name) => {
    const found = MEASUREMENTS.find((measurement) => measurement.name === name);
    return found ?? program.error(`no measurement is called ${name}; --help lists them`, { exitCode: 2 });
  });
}

/** @returns the exit code. A missed target is a figure, not a failure. */
async function main(measurements: Measurement[]): Promise<number> {
  const start = performance.now();
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const { name, measure } of measurements) {
    const say = (progress: string) => {
      const at = ((performance.now() - start) / 1000).toFixed(0).padStart(4);
      process.stderr.write(`${at} s  ${name}: ${progress}\n`);
    };
    try {
      rows.push(...(await measure(scale, say, { minutes, ...(exports && { exports }) })));
    } catch (error) {
      failures.push(`${name} failed: ${messageOf(error)}`);
      process.stderr.write(`${failures.at(-1)}\n`);
    }
  }
  const colored = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  console.log(`\nNode ${process.versions.node}, ${machine}${scale === 1 ? '' : `, scale ${scale}`}\n`);
  for (const line of [...formatTable(rows, colored), ...failures]) console.log(line);
  return failures.length > 0 ? 1 : 0;
}
