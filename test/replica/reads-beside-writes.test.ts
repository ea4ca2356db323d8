import leveldown, { type LevelDown } from 'leveldown';
import { expect, test } from 'vitest';
import { gatherGets } from '../../replication/gathered-gets.ts';
import { rememberTrees } from '../../replication/remembered-trees.ts';
import { tempFolder } from '../harness/temp-folder.ts';

const TREE = '\xffdocument-store\xffdoc';
const done = (run: (callback: (error?: Error) => void) => void) =>
  new Promise<void>((resolve, reject) => run((error) => (error ? reject(error) : resolve())));

function get(level: LevelDown, key: string): Promise<unknown> {
  return new Promise((resolve) =>
    level._get(key, { asBuffer: false }, (error, value) => resolve(error ? error.message : value)),
  );
}

const write = (level: LevelDown, key: string, value: string) =>
  done((callback) => level._batch([{ type: 'put', key, value }], { sync: true }, callback));

async function opened(): Promise<{ level: LevelDown } & AsyncDisposable> {
  const folder = await tempFolder('cbt-level');
  const level = leveldown(folder.path);
  gatherGets(level);
  rememberTrees(level);
  await done((callback) => level.open(callback));
  return {
    level,
    async [Symbol.asyncDispose]() {
      if (level.status === 'open') await done((callback) => level.close(callback));
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('reads asked for at once are each answered with their own value, or that there is none', async () => {
  await using store = await opened();
  const keys = Array.from({ length: 450 }, (_, n) => `key ${n}`);
  for (const key of keys.filter((_, n) => n % 3 !== 0)) await write(store.level, key, `value of ${key}`);
  const answers = await Promise.all(keys.map((key) => get(store.level, key)));
  expect(answers).toEqual(
    keys.map((key, n) => (n % 3 === 0 ? expect.stringMatching(/NotFound/) : `value of ${key}`)),
  );
});

test('a tree that is being written is not read as it will be, nor afterwards as it was', async () => {
  await using store = await opened();
  await write(store.level, TREE, 'one');
  expect(await get(store.level, TREE)).toBe('one');
  const writes = ['two', 'three'].map((tree) => write(store.level, TREE, tree));
  expect(['one', 'two', 'three']).toContain(await get(store.level, TREE));
  await Promise.all(writes);
  expect(await get(store.level, TREE)).toBe('three');
  await done((callback) => store.level._batch([{ type: 'del', key: TREE }], {}, callback));
  expect(await get(store.level, TREE)).toMatch(/NotFound/);
});

test('what could not be written is not remembered', async () => {
  await using folder = await tempFolder('cbt-level');
  const level = leveldown(folder.path);
  const batch = level._batch.bind(level);
  let fails = false;
  level._batch = (operations, options, callback) => {
    if (fails) callback(new Error('ENOSPC'));
    else batch(operations, options, callback);
  };
  rememberTrees(level);
  await done((callback) => level.open(callback));
  await write(level, TREE, 'one');
  fails = true;
  await expect(write(level, TREE, 'two')).rejects.toThrow('ENOSPC');
  expect(await get(level, TREE)).toBe('one');
  await done((callback) => level.close(callback));
});

test('trees are read ahead of the revisions that name them, each as it is by then', async () => {
  await using folder = await tempFolder('cbt-level');
  const level = leveldown(folder.path);
  const read = new Set<string>();
  const getMany = level._getMany.bind(level);
  let beforeValues: () => Promise<void> = async () => {};
  level._getMany = (keys, options, callback) => {
    for (const key of keys) read.add(String(key));
    getMany(keys, options, (error, values) => void beforeValues().then(() => callback(error, values)));
  };
  rememberTrees(level);
  await done((callback) => level.open(callback));
  const ids = ['plain', 'quo"ted', 'back\\slash', 'ünï', 'gone'];
  for (const [n, _id] of ids.entries()) {
    const body = { note: '"_id":"other"', inner: { _id: 'inner', _rev: '1-a' }, _id, _rev: '1-a' };
    const text = JSON.stringify(_id === 'gone' ? { _id, _rev: '2-b', _deleted: true } : body);
    // Past what is remembered of the last writes, as after a start.
    await done((callback) => level._put(`\xffdocument-store\xff${_id}`, `tree of ${_id}`, {}, callback));
    await done((callback) => level._put(`\xffby-sequence\xff${n}`, text, {}, callback));
  }
  beforeValues = () => {
    beforeValues = async () => {};
    return write(level, '\xffdocument-store\xffplain', 'newer tree');
  };
  const rows = level.iterator({
    gt: '\xffby-sequence\xff',
    lt: '\xffby-sequence\xff\xff',
    valueAsBuffer: false,
  });
  const row = () => new Promise((resolve) => rows.next((_error, key) => resolve(key)));
  while ((await row()) !== undefined) {
    // To the end.
  }
  await done((callback) => rows.end(callback));
  expect([...read].sort()).toEqual(ids.map((id) => `\xffdocument-store\xff${id}`).sort());
  const trees = await Promise.all(ids.map((id) => get(level, `\xffdocument-store\xff${id}`)));
  expect(trees).toEqual(['newer tree', ...ids.slice(1).map((id) => `tree of ${id}`)]);
  await done((callback) => level.close(callback));
});

test('a read that the store is closed before fails, and takes nothing down', async () => {
  await using store = await opened();
  const reading = get(store.level, 'key');
  await done((callback) => store.level.close(callback));
  expect(await reading).toMatch(/not open|NotFound/);
});
