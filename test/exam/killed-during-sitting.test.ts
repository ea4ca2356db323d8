import { expect, test } from 'vitest';
import { startRoom } from './room.ts';
import { faultsInHub, killDuring, sit } from './sitting.ts';

const KILLS = 12;
const CANDIDATES = 20;

test(`node and server killed ${KILLS} times while ${CANDIDATES} candidates sit lose nothing that was acknowledged`, {
  timeout: 120_000,
}, async () => {
  await using room = await startRoom({ candidates: CANDIDATES, questions: 10, mode: 'continuous' });
  const over = new AbortController();
  const sitting = Promise.all(room.candidates.map((candidate) => sit(room, candidate, over.signal)));
  await Promise.race([killDuring(room, KILLS, Math.random), sitting]);
  over.abort();
  const acknowledged = await sitting;
  await room.node.replicate();
  expect(await faultsInHub(room, acknowledged)).toEqual([]);
  expect(acknowledged.some(({ repeats }) => repeats > 0)).toBe(true);
});
