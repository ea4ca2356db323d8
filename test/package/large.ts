import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { boundHeap } from '../../replication/heap.ts';
import { makeIdentity, recipientOf } from '../../replication/package/keys.ts';
import { readPackage } from '../../replication/package/read.ts';
import { type RevisionLine, writePackage } from '../../replication/package/write.ts';
import { makeKey, publicKeyOf } from '../../replication/signing.ts';
import { answersDocument } from '../harness/documents.ts';
import { firstRevision, manifestOf } from './parcel.ts';

/**
 * `node large.ts write <file> <megabytes>`: writes a package of so much NDJSON, answer sheets and a few photos, and
 * prints its keys. `node large.ts read <file> <keys>` reads it. Each prints the most memory that it took.
 */
const [, , task, file, argument] = process.argv as [string, string, 'write' | 'read', string, string];

boundHeap();
console.log(JSON.stringify({ ...(await (task === 'write' ? write() : read())), ...memory() }));

function memory(): { maxMegabytes: number } {
  return { maxMegabytes: Math.round(process.resourceUsage().maxRSS / 1024) };
}

async function write(): Promise<{ keys: string; documents: number }> {
  const [identity, signing] = [makeIdentity(), makeKey()];
  const content = {
    manifest: manifestOf('LAG-001'),
    revisions: sheets(Number(argument) * 1e6),
  };
  let documents = 0;
  const keys = { signing, recipients: [recipientOf(identity)] };
  const bytes = writePackage(content, keys, (end) => {
    documents = end.documents;
  });
  await pipeline(bytes, createWriteStream(file));
  return { keys: `${identity}/${signing}`, documents };
}

async function read(): Promise<{ documents: number }> {
  const slash = argument.indexOf('/');
  const [identity, signing] = [argument.slice(0, slash), argument.slice(slash + 1)];
  const recipient = recipientOf(identity);
  const receiver = { identity, recipient, centerId: 'LAG-001', kinds: ['download'] as const };
  const reading = await readPackage(createReadStream(file), { ...receiver, trusted: [publicKeyOf(signing)] });
  let documents = 0;
  for await (const batch of reading.batches) documents += batch.length;
  return { documents };
}

async function* sheets(length: number): AsyncGenerator<RevisionLine> {
  const sheet = firstRevision(answersDocument('LAG-001', 'SCI', 1, 40));
  for (let n = 1, written = 0; written < length; n += 1) {
    const photo = n % 10 === 0 ? { _attachments: { photo: photoOf(150_000) } } : {};
    const id = `center-LAG-001:answers:E${n}`;
    const json = JSON.stringify({ ...sheet, _id: id, ...photo });
    written += json.length;
    yield { id, json };
  }
}

/** Which does not compress. */
function photoOf(length: number): object {
  return { content_type: 'image/jpeg', data: randomBytes(length).toString('base64') };
}
