import { spawnSync } from 'node:child_process';
import { findChromium } from './found.ts';

/** Set-up before the tests: Chromium. Does nothing, silently, when it is there; ends with the reason when it cannot be had. */

if (!findChromium()) {
  process.stderr.write('Set-up: installing Chromium (apt-get), once.\n');
  const isRoot = process.getuid?.() === 0;
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-liberation'],
  ]) {
    const [command = '', ...rest] = isRoot ? ['apt-get', ...args] : ['sudo', '-n', 'apt-get', ...args];
    const done = spawnSync(command, rest, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    if (done.error || done.status !== 0) break;
  }
  if (!findChromium()) {
    process.stderr.write(
      'Set-up: Chromium is needed by the tests of the pages and cannot be installed here: ' +
        'install it, or name it in CHROMIUM.\n',
    );
    process.exit(1);
  }
}
