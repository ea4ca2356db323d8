import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base } from 'vitest';
import type { ImportReport } from '../../local-node/package/imports.ts';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';
import type { UploadReport } from '../../server/packages/upload.ts';
import type { Exit } from '../harness/child.ts';
import { centerShare, subjectDocument, wholeTest } from '../harness/documents.ts';
import { compareLeaves, type ReplicaDifference, readLeaves, scopeOf } from '../harness/leaves.ts';
import { openNodeHere, type RunningNode } from '../harness/node.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { type TempFolder, tempFolder } from '../harness/temp-folder.ts';

/** A server with a center, the center's node, and packages that are carried between them. */
export interface World {
  server: RunningServer;
  center: CenterAccess;
  node: RunningNode;
  folder: TempFolder;
  packages: Packages;
}

export interface Packages {
  /** A package for the center. */
  down(request?: { since?: string; tests?: string[]; kind?: string }): Promise<Uint8Array<ArrayBuffer>>;
  /** Imports it at the node. */
  into(file: Uint8Array<ArrayBuffer>): Promise<ImportReport>;
  /** The node's package for the server. */
  up(since?: 'last' | 'zero'): Promise<Uint8Array<ArrayBuffer>>;
  /** Imports it at the server. @returns the receipts. */
  arrive(file: Uint8Array<ArrayBuffer>): Promise<{ report: UploadReport; receipts: Uint8Array<ArrayBuffer> }>;
  save(file: Uint8Array): Promise<string>;
  /** What is between the replica and what it must hold. */
  difference(tests?: string[]): Promise<ReplicaDifference | undefined>;
  status(): Promise<StatusAnswer>;
}

export const CENTER = 'LAG-001';

export const test = base.extend<World>({
  // biome-ignore lint/correctness/noEmptyPattern: a fixture's first argument must be a pattern.
  server: async ({}, use) => {
    await using server = await openServerHere();
    await use(server);
  },
  center: async ({ server }, use) => {
    const center = await server.addCenter(CENTER);
    const tests = ['SCI-P1', 'SCI-P2'].flatMap((testId) => wholeTest(testId, 20));
    await server.importDocuments([subjectDocument('SCI'), ...tests, ...centerShare(CENTER, 'SCI-P1', 30)]);
    await server.assign('SCI-P1', CENTER);
    await use(center);
  },
  node: async ({ server, center }, use) => {
    await using node = await openNodeHere({ server: server.url, center });
    await use(node);
  },
  // biome-ignore lint/correctness/noEmptyPattern: a fixture's first argument must be a pattern.
  folder: async ({}, use) => {
    await using folder = await tempFolder();
    await use(folder);
  },
  packages: async ({ server, node, folder }, use) => {
    await use(openPackages(server, node, folder));
  },
});

/** Packages between a server and any node of its center. */
export function openPackages(server: RunningServer, node: RunningNode, folder: TempFolder): Packages {
  const post = { method: 'POST', headers: { 'content-type': PACKAGE_MEDIA_TYPE } };
  let saved = 0;
  return {
    async down(request = {}) {
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(request) };
      return bytes(await server.api.open(`/sync/download/${CENTER}`, init));
    },
    async into(file) {
      const response = await node.api.open('/api/packages', { ...post, body: file });
      return (await response.json()) as ImportReport;
    },
    async up(since = 'last') {
      return bytes(await node.api.open(`/api/packages/results?since=${since}`));
    },
    async arrive(file) {
      const path = `/sync/upload/${CENTER}`;
      const receipts = await bytes(await server.api.open(path, { ...post, body: file }));
      const headers = { ...post.headers, accept: 'application/json' };
      const again = await server.api.open(path, { ...post, headers, body: file });
      return { report: (await again.json()) as UploadReport, receipts };
    },
    async save(file) {
      saved += 1;
      const path = join(folder.path, `${saved}.cbtpkg`);
      await writeFile(path, file);
      return path;
    },
    async difference(tests = ['SCI-P1']) {
      const hub = await readLeaves(server.api, '/couch/cbt');
      return compareLeaves(scopeOf(hub, CENTER, tests), await readLeaves(node.api, '/couch/replica'));
    },
    status: () => node.api.request<StatusAnswer>('GET', '/api/status'),
  };
}

async function bytes(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await response.arrayBuffer());
}

/** What a command printed. @throws Error when it failed. */
export async function succeed(exit: Promise<Exit>): Promise<string> {
  const { code, output, stdout } = await exit;
  if (code !== 0) throw new Error(output);
  return stdout;
}
