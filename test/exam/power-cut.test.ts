import { ClassicLevel } from 'classic-level';
import leveldown from 'leveldown';
import { expect, test, vi } from 'vitest';
import { openRoom } from './room.ts';

interface Store {
  _batch(operations: { key: unknown }[], options: { sync?: boolean }, ...rest: unknown[]): unknown;
}

/** The writes that reach a kind of LevelDB, which takes them as ever. */
function writesTo(store: { prototype: unknown }) {
  const spy = vi.spyOn(store.prototype as Store, '_batch');
  return {
    calls: () => spy.mock.calls.map(([operations, { sync }]) => ({ text: String(operations[0]?.key), sync })),
    [Symbol.dispose]: () => spy.mockRestore(),
  };
}

// A kill leaves in the operating system what was written without a sync; only a power cut would take it.
test('what was acknowledged was synced to the disk: the save in the journal, the documents in replica and hub', async () => {
  using journal = writesTo(ClassicLevel);
  using databases = writesTo(leveldown as never);
  await using room = await openRoom();
  const { sessionId } = await room.enter(room.candidates[0]!);
  const path = `/api/sessions/${sessionId}`;
  const answer = `${path}/answers/${room.questions[0]!.questionId}`;
  expect((await room.ask('PUT', answer, { choice: 'B', n: 1 })).status).toBe(200);
  const saves = journal.calls().filter(({ text }) => text.startsWith(`answer/${sessionId}`));
  expect(saves).toMatchObject([{ sync: true }]);
  const before = databases.calls().length;
  expect((await room.ask('POST', `${path}/submit`)).status).toBe(200);
  expect(databases.calls().length).toBeGreaterThan(before);
  await room.node.replicate();
  expect(databases.calls().filter(({ sync }) => sync !== true)).toEqual([]);
});
