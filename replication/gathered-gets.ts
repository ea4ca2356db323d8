import type { GetCallback, LevelDown, ReadOptions } from 'leveldown';

interface AskedGet {
  key: Buffer | string;
  options: ReadOptions;
  callback: GetCallback;
}

/** How many keys one read takes: their values are handed over in one go, which must not hold up the process. */
const AT_ONCE = 200;

/**
 * Has the single gets that are asked for in one go read together. PouchDB reads a batch of documents by hundreds of
 * them, and handing each to LevelDB's threads and back costs several times as much as what it reads.
 */
export function gatherGets(level: LevelDown): void {
  const get = level._get.bind(level);
  const getMany = level._getMany.bind(level);
  let asked: AskedGet[] = [];

  function readAsked(): void {
    const all = asked;
    asked = [];
    if (level.status !== 'open') {
      for (const { callback } of all) callback(new Error('Database is not open'));
      return;
    }
    const [first, second] = all;
    if (first && !second) {
      get(first.key, first.options, first.callback);
      return;
    }
    for (const asBuffer of [true, false]) {
      const alike = all.filter(({ options }) => (options.asBuffer !== false) === asBuffer);
      for (let from = 0; from < alike.length; from += AT_ONCE) {
        readTogether(alike.slice(from, from + AT_ONCE), { asBuffer });
      }
    }
  }

  function readTogether(gets: readonly AskedGet[], options: ReadOptions): void {
    const keys = gets.map(({ key }) => key);
    getMany(keys, options, (error, values) => {
      for (const [index, { callback }] of gets.entries()) {
        const value = values?.[index];
        if (value !== undefined) callback(null, value);
        else callback(error ?? new Error('NotFound: '));
      }
    });
  }

  level._get = (key, options, callback) => {
    asked.push({ key, options, callback });
    if (asked.length === 1) queueMicrotask(readAsked);
  };
}
