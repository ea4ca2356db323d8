import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startScript } from '../../harness/child.ts';
import { tempFolder } from '../../harness/temp-folder.ts';
import { writeExports } from '../exports.ts';
import { counted, type Measurement, megabytes, perSecond, scaled } from '../row.ts';
import { usageOf } from '../usage.ts';

/** What the measured files refer to; it must be there first. */
const REFERENCES = ['subjects', 'questions', 'tests', 'test-questions', 'centers', 'test-centers'];
const MEASURED = ['students', 'enrollments'];
const WATCH_MS = 20;

/** An authority's exports come in. */
export const importExports: Measurement = {
  name: 'import',
  description:
    'import of 20,000 students and 24,000 enrollments from CSV (--exports names a folder of real ones)',
  async measure(scale, say, { exports }) {
    await using folder = await tempFolder('cbt-bench-import');
    const source = exports ?? folder.path;
    if (!exports) await writeExports(folder.path, scaled(20_000, scale));
    const files = (names: string[]) => names.map((name) => join(source, `${name}.csv`)).filter(existsSync);
    const dataDir = join(folder.path, 'data');
    say('what they refer to');
    await importFiles(dataDir, files(REFERENCES));
    say('students and enrollments');
    const start = performance.now();
    const peakResidentBytes = await importFiles(dataDir, files(MEASURED));
    const rate = (await countRows(files(MEASURED))) / ((performance.now() - start) / 1000);
    return [
      {
        what: `import of ${counted(await countRows(files(MEASURED)))} students and enrollments`,
        ours: perSecond(rate),
        stock: '',
        ratio: '',
        target: '≥ 3,000/s',
        met: rate >= 3000,
      },
      {
        what: '  resident at most',
        ours: megabytes(peakResidentBytes),
        stock: '',
        ratio: '',
        target: '≤ 300 MB',
        met: peakResidentBytes <= 300e6,
      },
    ];
  },
};

/** Imports with no server running, as one process. @returns the most memory it had. */
async function importFiles(dataDir: string, files: string[]): Promise<number> {
  const child = startScript('server/main.ts', ['import', ...files], { env: { DATA_DIR: dataDir } });
  let peak = 0;
  const watch = setInterval(() => {
    void usageOf(child.pid).then(({ peakResidentBytes }) => {
      peak = Math.max(peak, peakResidentBytes || 0);
    });
  }, WATCH_MS);
  const exit = await child.exited.finally(() => clearInterval(watch));
  if (exit.code !== 0) throw new Error(`the import ended with ${exit.code}:\n${exit.output.slice(-2000)}`);
  return peak;
}

async function countRows(files: string[]): Promise<number> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.reduce((sum, text) => sum + text.trim().split('\n').length - 1, 0);
}
