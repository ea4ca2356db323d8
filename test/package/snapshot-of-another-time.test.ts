import { expect } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { enrollmentDocument, resultDocument, studentDocument } from '../harness/documents.ts';
import { CENTER, test } from './world.ts';

test('a snapshot names every difference, and applied to a replica that has moved on it overwrites nothing', async ({
  server,
  node,
  packages,
}) => {
  await node.replicate();
  const snapshot = await packages.down({ kind: 'snapshot' });
  const file = await packages.save(snapshot);
  const compare = () => node.command('package', 'import', file, '--verify');
  expect(await compare()).toMatchObject({ code: 0, stdout: 'equal\n' });

  // Both sides move on.
  const { _id } = enrollmentDocument(CENTER, 'SCI-P1', 1);
  const path = `/couch/replica/${_id}`;
  const enrollment = await node.api.request<StoredDocument>('GET', path);
  const seated = await node.api.request<{ rev: string }>('PUT', path, { ...enrollment, seat: 77 });
  const result = resultDocument(CENTER, 'SCI-P1', 2);
  await node.api.request('PUT', `/couch/replica/${result._id}`, result);
  await server.importDocuments([{ ...studentDocument(CENTER, 3), phone: '+2340000' }]);
  const found = await compare();
  expect(found.code).toBe(1);
  expect(found.stdout.split('\n')).toEqual(
    expect.arrayContaining([`altered: ${_id}`, `added: ${result._id}`]),
  );

  const later = await packages.down({ kind: 'snapshot' });
  const named = await node.command('package', 'import', await packages.save(later), '--verify');
  expect(named.stdout).toContain(`altered: ${studentDocument(CENTER, 3)._id}`);
  await packages.into(snapshot);
  await packages.into(later);
  await packages.into(snapshot);
  expect(await node.api.request('GET', path)).toMatchObject({ _rev: seated.rev, seat: 77 });
  expect(await packages.status()).toMatchObject({ pendingPush: 2 });
  await node.replicate();
  expect(await packages.difference()).toBeUndefined();
  expect(await server.api.request('GET', `/couch/cbt/${_id}`)).toMatchObject({ seat: 77 });
});

test('a download is not all there must be, and is not compared with', async ({ node, packages }) => {
  const file = await packages.save(await packages.down());
  const { code, stderr } = await node.command('package', 'import', file, '--verify');
  expect(code).toBe(1);
  expect(stderr).toContain('a download package does not hold all there must be');
});
