import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readIdentity } from '../../local-node/identity.ts';
import { openRoom } from '../exam/room.ts';
import { startCenter } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { finished, resultId, write } from './center.ts';

test('a machine with work that the hub has not is not wiped, whoever asks and however', async () => {
  await using center = await startCenter([subject('SCI')]);
  const { node } = center;
  expect(await center.status()).toMatchObject({
    wipe: { allowed: false, reasons: ['the replica was never compared with the hub'] },
  });
  await center.replicate();
  await write(node.replicaUrl, finished(1));
  await center.line.down();
  const reasons = 'the hub has not confirmed 1 result\n3 documents are not sent yet\n';
  const beside = await node.command('wipe', '--check');
  expect(beside).toMatchObject({ code: 1, stdout: `${reasons}this machine must not be wiped\n` });
  // Its data would be deleted beneath it.
  for (const args of [['wipe'], ['wipe', '--force']]) {
    expect(await node.command(...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stop it'),
    });
  }
  await node.stop();
  expect(await node.command('wipe', '--check')).toEqual(beside);
  expect((await node.command('wipe')).code).toBe(1);
  await node.start();
  expect(await center.read(resultId(1))).toMatchObject({ type: 'result' });
});

test('wiped, nothing of the candidates is left, and the next start is a node of its own', async () => {
  await using center = await startCenter([subject('SCI')]);
  const { node } = center;
  const { dataDir } = node;
  await write(node.replicaUrl, finished(1));
  await center.replicate();
  const before = { ...(await readIdentity(dataDir)), instanceId: (await center.status()).instanceId };
  await node.stop();
  await mkdir(join(dataDir, 'packages'));
  expect(await node.command('wipe', '--check')).toMatchObject({
    code: 0,
    stdout: 'this machine may be wiped\n',
  });
  expect(existsSync(join(dataDir, 'couch'))).toBe(true);
  expect(await node.command('wipe')).toMatchObject({ code: 0, stdout: 'wiped\n' });
  expect((await readdir(dataDir)).filter((name) => name !== 'node.json')).toEqual([]);

  await node.start();
  await center.replicate();
  expect(await center.status()).toMatchObject({ registered: true, results: { total: 1, confirmed: 1 } });
  const after = { ...(await readIdentity(dataDir)), instanceId: (await center.status()).instanceId };
  expect(after).toMatchObject({ centerId: before.centerId, secret: before.secret });
  expect(after.privateKey).not.toBe(before.privateKey);
  expect(after.instanceId).not.toBe(before.instanceId);
});

test('by force it is wiped all the same, and what is lost is said', async () => {
  await using center = await startCenter([subject('SCI')]);
  await write(center.node.replicaUrl, finished(1));
  await center.node.stop();
  const forced = await center.node.command('wipe', '--force');
  expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining('has not confirmed 1 result') });
  expect(existsSync(join(center.node.dataDir, 'couch'))).toBe(false);
});

test('a session that runs keeps the machine, and so does one whose result is not confirmed', async () => {
  await using room = await openRoom({ candidates: 1 });
  const [candidate] = room.candidates;
  const { sessionId } = await room.enter(candidate as (typeof room.candidates)[0]);
  await room.node.replicate();
  await room.node.replicate();
  const standing = async () => {
    const { body } = await room.ask<{ wipe: { reasons: string[] }; sessions: object }>('GET', '/api/status');
    return { reasons: body.wipe.reasons, sessions: body.sessions };
  };
  expect(await standing()).toEqual({
    reasons: ['1 session is running'],
    sessions: { running: 1, submitted: 0 },
  });
  await room.ask('POST', `/api/sessions/${sessionId}/submit`);
  expect((await standing()).reasons).toContain('the hub has not confirmed 1 result');
  await room.node.replicate();
  expect(await standing()).toEqual({ reasons: [], sessions: { running: 0, submitted: 1 } });
});
