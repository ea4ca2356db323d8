import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openAudit } from '../../server/control/audit.ts';
import { type Operations, openOperations } from '../../server/control/operations.ts';
import { type ControlStore, openControlStore } from '../../server/control/store.ts';
import { tempFolder } from '../harness/temp-folder.ts';

const CENTER = 'LAG-1';
const USUALLY_KEPT = 200;

async function open(store: ControlStore): Promise<Operations> {
  return openOperations({ store, audit: await openAudit(store), log: pino({ level: 'silent' }) });
}

/** Operations of one center that end, one after the other. */
async function operate(store: ControlStore, times: number, takenTo: string): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await using operations = await open(store);
    operations.keepForReader().taken(takenTo);
    operations.transferred(CENTER, 'upload', { records: 1 });
    operations.checkpoint(CENTER, 'upload');
  }
}

async function keptIds(store: ControlStore): Promise<string[]> {
  await using operations = await open(store);
  const ids: string[] = [];
  for await (const { id } of operations.endedAfter('')) ids.push(id);
  return ids;
}

test('operations are kept for a store that is away, and no longer than until it has taken them', async () => {
  await using folder = await tempFolder('cbt-operations');
  await using store = await openControlStore(folder.path);
  await operate(store, USUALLY_KEPT + 30, '');
  const ids = await keptIds(store);
  expect(ids).toHaveLength(USUALLY_KEPT + 30);
  await operate(store, 1, ids[9] as string);
  expect(await keptIds(store)).toEqual([...ids.slice(10), expect.any(String)]);
  await operate(store, 1, ids.at(-1) as string);
  expect(await keptIds(store)).toHaveLength(USUALLY_KEPT);
});
