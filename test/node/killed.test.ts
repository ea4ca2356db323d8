import { expect, test } from 'vitest';
import { CENTER, type CenterUnderTest, startCenter } from './center.ts';
import { answers, students } from './documents.ts';

const KILLS = 20;

test('a node killed again and again while it pulls, pushes and is written to loses nothing it acknowledged', {
  timeout: 240_000,
}, async () => {
  await using center = await startCenter();
  const acknowledged: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    await center.server.importDocuments(students(CENTER, 300 * (kill + 1)).slice(300 * kill));
    const death = requestsOver(center, 1 + (kill % 7));
    const replicated = center.replicate().catch(() => {});
    const written = Array.from({ length: 10 }, async (_, n) => {
      const doc = answers(CENTER, `E${kill}-${n}`);
      const response = await center.write(doc).catch(() => undefined);
      if (response?.status === 201) acknowledged.push(doc._id);
    });
    await Promise.race([death, replicated]);
    await center.node.kill();
    await Promise.all(written);
    await center.node.start();
  }
  expect(acknowledged.length).toBeGreaterThan(KILLS);
  expect((await center.node.command('verify')).stdout).toMatch(/^equal: \d+ documents\n$/);
  for (const id of acknowledged) expect(await center.readOnline(id)).toMatchObject({ type: 'answers' });
  expect((await center.status()).documents).toBeGreaterThanOrEqual(300 * KILLS + acknowledged.length);
});

/** Resolves when so many more requests have gone over the line. */
async function requestsOver({ line }: CenterUnderTest, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await line.nextRequest(/./);
}
