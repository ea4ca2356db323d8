import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import type { ImportReport } from '../../../local-node/package/imports.ts';
import { PACKAGE_MEDIA_TYPE } from '../../../replication/package/manifest.ts';
import { runScript } from '../../harness/child.ts';
import { startNode } from '../../harness/node.ts';
import type { CenterAccess, ServerProcess } from '../../harness/server.ts';
import { tempFolder } from '../../harness/temp-folder.ts';
import { BIG_CENTER, oneShare } from '../dataset.ts';
import { prepareHub } from '../hubs.ts';
import type { Replicated } from '../replicate.ts';
import { counted, type Measurement, perSecond, scaled, times } from '../row.ts';

const LEVEL_3 = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
const REPEATS = 3;
const BULK_BATCH = 1000;

/** A center's first replica as a file: its size, and importing it beside what PouchDB writes at best. */
export const packages: Measurement = {
  name: 'packages',
  description: 'a package of 10,000 documents: its size, and its import into an empty node',
  async measure(scale, say) {
    const { shape, expected } = oneShare(scaled(10_000, scale));
    await using hub = await prepareHub(shape);
    await using server = await hub.startOurs();
    const center = await server.addCenter(BIG_CENTER);
    await using folder = await tempFolder('cbt-bench-package');
    const lines = join(folder.path, 'documents.ndjson');
    await writeFile(lines, await readRevisions(center));
    const [ours, stock]: [number[], number[]] = [[], []];
    let file = new Uint8Array();
    for (let n = 1; n <= REPEATS; n += 1) {
      say(`import into an empty node, ${n} of ${REPEATS}`);
      await using node = await startNode({ server: server.url, center });
      file = await makePackage(server);
      ours.push(await importInto(node, file, expected));
      say(`PouchDB’s bulkDocs, ${n} of ${REPEATS}`);
      stock.push(await bulkDocs(lines, expected));
    }
    const [rate, bulkRate] = [expected / Math.min(...ours), expected / Math.min(...stock)];
    const compressed = zstdCompressSync(await readRevisions(center), LEVEL_3).length;
    const share = file.length / compressed;
    return [
      {
        what: `package of ${counted(expected)} documents, against zstd -3 of the same lines`,
        ours: `${counted(file.length)} bytes`,
        stock: `${counted(compressed)} bytes`,
        ratio: times(share),
        target: '≤ 1.05×',
        met: share <= 1.05,
      },
      {
        what: `importing it into an empty node; stock: bulkDocs alone, not synced`,
        ours: perSecond(rate),
        stock: perSecond(bulkRate),
        ratio: times(rate / bulkRate),
        target: '≥ 12,000/s, ≥ 0.8×',
        met: rate >= 12_000 && rate / bulkRate >= 0.8,
      },
    ];
  },
};

async function makePackage(server: ServerProcess): Promise<Uint8Array<ArrayBuffer>> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"since":"zero"}' };
  const response = await server.api.open(`/sync/download/${BIG_CENTER}`, init);
  return new Uint8Array(await response.arrayBuffer());
}

async function importInto(
  node: Awaited<ReturnType<typeof startNode>>,
  file: Uint8Array<ArrayBuffer>,
  expected: number,
): Promise<number> {
  const start = performance.now();
  const headers = { 'content-type': PACKAGE_MEDIA_TYPE };
  const response = await node.api.open('/api/packages', { method: 'POST', headers, body: file });
  const { documents } = (await response.json()) as ImportReport;
  const seconds = (performance.now() - start) / 1000;
  if (documents !== expected) throw new Error(`${documents} documents were imported, it must be ${expected}`);
  return seconds;
}

async function bulkDocs(lines: string, expected: number): Promise<number> {
  const { code, output, stdout } = await runScript('test/bench/bulk-docs.ts', [lines]);
  if (code !== 0) throw new Error(`PouchDB failed:\n${output}`);
  const { documents, seconds } = JSON.parse(stdout) as Replicated;
  if (documents !== expected) throw new Error(`PouchDB holds ${documents} documents, it must be ${expected}`);
  return seconds;
}

/** The revisions of the center's documents, as a package has them: NDJSON. */
async function readRevisions({ replicaUrl, authorization }: CenterAccess): Promise<string> {
  const base = new URL(replicaUrl);
  const url = `${base.origin}${base.pathname}`;
  const ask = async <Answer>(path: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = { authorization, 'content-type': 'application/json' };
    return (await (await fetch(url + path, { ...init, headers })).json()) as Answer;
  };
  const { results } = await ask<{ results: { id: string; changes: { rev: string }[] }[] }>('/_changes');
  const asked = results.map(({ id, changes }) => ({ id, rev: changes[0]?.rev }));
  let text = '';
  for (let from = 0; from < asked.length; from += BULK_BATCH) {
    const body = JSON.stringify({ docs: asked.slice(from, from + BULK_BATCH) });
    const found = await ask<{ results: { docs: { ok: object }[] }[] }>('/_bulk_get?revs=true', {
      method: 'POST',
      body,
    });
    for (const { docs } of found.results) text += `${JSON.stringify(docs[0]?.ok)}\n`;
  }
  return text;
}
