import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, startScript } from '../harness/child.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** Runs a script that has `contain` and the event emitter `emitter`. */
async function run(script: string) {
  await using folder = await tempFolder();
  const file = join(folder.path, 'script.mjs');
  const head = `import { EventEmitter } from 'node:events';
    import { contain } from '${join(ROOT, 'replication/contain.ts')}';
    const emitter = new EventEmitter();
    const print = (name) => (error) => console.log(name + ': ' + error.message);`;
  await writeFile(file, `${head}\n${script}`);
  return await startScript(file).exited;
}

test('what a run throws later goes to that run, and the process lives', async () => {
  const { code, stdout } = await run(`
    contain(() => { throw new Error('at once'); }, print('a'));
    contain(() => { emitter.once('b', () => setImmediate(() => { throw new Error('in a callback'); })); }, print('b'));
    contain(() => { emitter.emit('b'); }, print('c'));
    contain(() => { setTimeout(() => { throw new Error('in a timer'); }, 1); }, print('d'));
    contain(() => { void Promise.reject(new Error('in a promise')); }, print('e'));
    setTimeout(() => console.log('lives'), 20);
  `);
  expect(code).toBe(0);
  // A listener is run by who emits, whoever has added it.
  expect(stdout.trim().split('\n').sort()).toEqual([
    'a: at once',
    'c: in a callback',
    'd: in a timer',
    'e: in a promise',
    'lives',
  ]);
});

test.each([
  ['an exception', `setTimeout(() => { throw new Error('ours'); }, 1);`],
  ['a rejection', `setTimeout(() => { void Promise.reject(new Error('ours')); }, 1);`],
])('%s from elsewhere still ends the process', async (_what, script) => {
  const { code, stdout, stderr } = await run(`
    contain(() => {}, print('a'));
    ${script}
    setTimeout(() => console.log('lives'), 1000);
  `);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('Error: ours');
});
