import { expect, test } from 'vitest';
import { CENTER, type CenterUnderTest, openCenter } from './center.ts';
import { subject } from './documents.ts';

const TEST = {
  _id: 'test-T1:test:T1',
  type: 'test',
  testId: 'T1',
  title: 'Mathematics',
  subjectCode: 'MTH',
  durationMinutes: 60,
  questionCount: 1,
  passingScorePercent: 50,
  startsAt: '2026-01-01T08:00:00Z',
  endsAt: '2026-01-01T10:00:00Z',
  status: 'published',
};

async function equalAfterReplication(center: CenterUnderTest): Promise<boolean> {
  await center.replicate();
  const { verification } = await center.status();
  return verification.equal === true && verification.differences.length === 0;
}

test('a test assigned, withdrawn and assigned again comes, goes and comes, and the replica is equal each time', async () => {
  await using center = await openCenter([subject('MTH'), TEST]);
  const assignment = `/api/tests/T1/centers/${CENTER}`;
  expect(await equalAfterReplication(center)).toBe(true);
  expect(await center.read(TEST._id)).toBeUndefined();
  for (const again of [false, true]) {
    await center.server.api.request('PUT', assignment);
    expect(await equalAfterReplication(center)).toBe(true);
    expect(await center.read(TEST._id), `assigned again: ${again}`).toMatchObject({ title: 'Mathematics' });
    await center.server.api.request('DELETE', assignment);
    expect(await equalAfterReplication(center)).toBe(true);
    expect(await center.read(TEST._id)).toBeUndefined();
  }
});

test('attachments travel both ways', async () => {
  await using center = await openCenter([subject('MTH')]);
  const { server, node } = center;
  const put = async (url: string, bytes: Buffer, headers: Record<string, string> = {}) => {
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'image/png', ...headers },
      body: Uint8Array.from(bytes),
    });
    expect({ url, status: response.status }).toEqual({ url, status: 201 });
  };
  const get = async (url: string, headers: Record<string, string> = {}) =>
    Buffer.from(await (await fetch(url, { headers })).arrayBuffer()).toString('hex');
  const down = Buffer.from([0, 1, 2, 254, 255, 10]);
  const up = Buffer.alloc(5000, 7);
  const admin = { authorization: `Bearer ${server.adminToken}` };
  const hub = `${server.url}/couch/cbt`;

  const { _rev } = (await center.readOnline('common:subject:MTH')) as { _rev: string };
  await put(`${hub}/common:subject:MTH/figure.png?rev=${_rev}`, down, admin);
  const log = `center-${CENTER}:log:L1`;
  const stored = await center.write({
    _id: log,
    type: 'log',
    event: 'photo',
    _attachments: { 'hall.png': { content_type: 'image/png', data: up.toString('base64') } },
  });
  expect(stored.status).toBe(201);

  expect(await equalAfterReplication(center)).toBe(true);
  expect(await get(`${node.replicaUrl}/common:subject:MTH/figure.png`)).toBe(down.toString('hex'));
  expect(await get(`${hub}/${log}/hall.png`, admin)).toBe(up.toString('hex'));
});
