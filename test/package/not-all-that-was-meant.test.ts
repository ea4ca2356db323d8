import { expect } from 'vitest';
import type { AuditEntry } from '../../server/control/audit.ts';
import { test } from './world.ts';

test('a package of a test that the center does not have is refused', async ({
  server,
  node: _,
  packages,
}) => {
  for (const tests of [['SCI-P2'], ['SCI-P1', 'NOPE']]) {
    await expect(packages.down({ tests })).rejects.toThrow(
      `bad_request: not assigned to LAG-001: ${tests.at(-1)}`,
    );
  }
  await packages.down({ tests: ['SCI-P1'] });
  const path = '/api/audit?action=package.made';
  const { entries } = await server.api.request<{ entries: AuditEntry[] }>('GET', path);
  expect(entries.map(({ outcome, details }) => [outcome, details.tests])).toEqual([
    ['done', ['SCI-P1']],
    ['refused', undefined],
    ['refused', undefined],
  ]);
});

test('a package that would begin after all there is is refused', async ({ server, node: _, packages }) => {
  const { update_seq } = await server.api.request<{ update_seq: string }>('GET', '/replicas/LAG-001');
  const [at, index] = update_seq.split('-');
  await packages.down({ since: update_seq });
  for (const since of [`${Number(at) + 1}-${index}`, `${'9'.repeat(30)}-${index}`]) {
    await expect(packages.down({ since })).rejects.toThrow(/^bad_request: since is after all there is/);
  }
});

test('a replica is not compared with a snapshot of some tests only', async ({ server, node, packages }) => {
  await server.assign('SCI-P2', 'LAG-001');
  await packages.into(await packages.down());
  const compare = async (request: { tests?: string[] }) => {
    const body = await packages.down({ kind: 'snapshot', ...request });
    return (await node.api.open('/api/packages/compare', { method: 'POST', body })).json();
  };
  await expect(compare({ tests: ['SCI-P2'] })).rejects.toThrow(
    'bad_request: a package of some tests only does not hold all there must be',
  );
  expect(await compare({})).toEqual({ equal: true, differences: [] });
});
