// Set-up before every npm script: installs the packages that package-lock.json names when any is missing or another,
// and does nothing, silently, when all is there. Plain JavaScript for any Node from 20: what comes after it runs on
// the Node of the `node` package, which npm's scripts find first. Scripts that are named on the command line follow it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) stop(`Node 20 or later is needed to set up; this is ${process.version}.`);

const wanted = packagesOf('package-lock.json');
if (!wanted)
  stop('package-lock.json is missing or cannot be read: this is not a whole copy of the repository.');
if (!isInstalled(packagesOf('node_modules/.package-lock.json'))) install();
for (const script of process.argv.slice(2)) run(script);

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** npm leaves a copy of what it installed beside it; packages for other machines are not in it. */
function isInstalled(installed) {
  if (!installed) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  const there = names.filter((name) => installed[name] !== undefined && existsSync(name));
  return (
    existsSync('node_modules/.bin/node') &&
    names.every((name) => wanted[name].optional || there.includes(name)) &&
    there.every((name) => installed[name].integrity === wanted[name].integrity)
  );
}

function install() {
  process.stderr.write('Set-up: installing the packages (npm ci), once.\n');
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
  // On the way to a first screen the user wants no report of the installer, except when it fails.
  const done = spawnSync(command, [...args, 'ci', '--include=dev', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.error) stop(`npm cannot be run: ${done.error.message}`);
  if (done.status !== 0) stop('npm ci failed; its reason stands above.');
  if (!existsSync('node_modules/.bin/node')) {
    stop('npm ci left no Node 24: install scripts are switched off (npm config get ignore-scripts).');
  }
}

/** Runs a further step of the set-up on the Node that has been installed; it says itself what is wrong. */
function run(script) {
  const done = spawnSync('node_modules/.bin/node', [script], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error) stop(`${script} cannot be run: ${done.error.message}`);
  if (done.status !== 0) process.exit(1);
}

function stop(reason) {
  process.stderr.write(`Set-up: ${reason}\n`);
  process.exit(1);
}
