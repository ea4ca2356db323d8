import { expect, test } from 'vitest';
import { startMongo } from '../harness/mongo.ts';
import { startRedis } from '../harness/redis.ts';
import { openServerHere } from '../harness/server.ts';
import { fillService } from '../ingest-mongo/service.ts';
import { flawsOf } from './accessibility.ts';
import { goTo, signIn } from './office.ts';

test('mirrors and ingest: how far behind, which store is down and why, what does not fit', async () => {
  await using mongo = await startMongo();
  await using redis = await startRedis();
  const service = await fillService(mongo);
  await service.insert('testenrollments', service.enrollment(12, { seat: -1 }));
  await using server = await openServerHere({
    mongodbUri: mongo.uri('mirror'),
    redisUrl: redis.url,
    ingestMongodbUri: service.uri,
  });
  const { browser, page } = await signIn(server);
  await using _ = browser;
  await goTo(page, '#/mirrors');
  const card = (name: string) => page.locator('section').filter({ hasText: name });
  await card('Redis').getByText('by nothing').waitFor();
  await card('MongoDB').getByText('following').waitFor();
  const misfit = page.getByRole('row', { name: /Negative seat/ });
  await misfit.waitFor();
  expect(await flawsOf(page)).toEqual([]);
  await card('MongoDB').getByRole('button', { name: 'Compare with the hub' }).click();
  await card('MongoDB').getByText('equal to the hub').waitFor();

  await redis.kill();
  await card('Redis').getByText('down', { exact: true }).waitFor();
  expect(await card('Redis').locator('.notice.bad').textContent()).toMatch(/ECONNREFUSED|closed/i);
  await service.update('testenrollments', service.id('testenrollments', 12), { seat: 12 });
  await misfit.waitFor({ state: 'detached' });
  expect(await flawsOf(page)).toEqual([]);
  await redis.start();
  await card('Redis').getByText('following').waitFor();
  await card('Redis').getByText('by nothing').waitFor();
  expect(browser.faults).toEqual([]);
});
