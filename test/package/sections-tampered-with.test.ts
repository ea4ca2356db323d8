import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decrypt, encrypt } from '../../replication/package/age.ts';
import { bytesOf, concat, createByteReader } from '../../replication/package/bytes.ts';
import { END_MARK, formatHead, sha256 } from '../../replication/package/manifest.ts';
import { SECTION_LIMIT_BYTES } from '../../replication/package/section.ts';
import { makeKey, type PrivateKey, signDocument } from '../../replication/signing.ts';
import { studentDocument } from '../harness/documents.ts';
import { chunksOf, createParcel, firstRevision, gather, manifestOf, refusalOf } from './parcel.ts';

/** What only a receiver, or a sender with a known key, can do: they have the key of the encryption. */
const parcel = await createParcel();
const docs = Array.from({ length: 1000 }, (_, n) => firstRevision(studentDocument('LAG-001', n)));

interface Opened {
  head: Uint8Array;
  sections: Uint8Array[];
}

async function open(file: Uint8Array): Promise<Opened> {
  const reader = createByteReader(chunksOf(file.subarray(0, -END_MARK.length)));
  const head = (await reader.line(5000))!;
  const inner = createByteReader(decrypt(reader.rest(), parcel.identity));
  const sections: Uint8Array[] = [];
  for (let line = await inner.line(5000); line; line = await inner.line(5000)) {
    const { stored } = JSON.parse(Buffer.from(line).toString()) as { stored: number };
    sections.push(concat([line, await inner.bytes(stored)]));
  }
  return { head, sections };
}

function close({ head, sections }: Opened): Promise<Uint8Array> {
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* encrypt(listed(sections), [parcel.recipient]);
    yield END_MARK;
  }
  return gather(parts());
}

async function* listed(parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe('sections that a receiver has tampered with', async () => {
  const [one, other] = [await open(await parcel.pack(docs)), await open(await parcel.pack(docs))];
  const [manifest, first, second, end] = one.sections as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const refusal = async (sections: Uint8Array[], head = one.head) =>
    refusalOf(parcel.unpack(await close({ head, sections })));

  test('are read while they are untouched', async () => {
    expect(one.sections).toHaveLength(4);
    expect(await refusal(one.sections)).toBeUndefined();
  });

  test.each([
    ['left out', [manifest, first, end]],
    ['left out at the end', [manifest, first, second]],
    ['swapped', [manifest, second, first, end]],
    ['doubled', [manifest, first, first, second, end]],
    ['without a manifest', [first, second, end]],
    ['followed by more', [manifest, first, second, end, first]],
  ])('are refused: %s', async (_, sections) => {
    expect(await refusal(sections)).toMatch(/^package_damaged: /);
  });

  test('are refused when they are those of another package, or under another first line', async () => {
    expect(await refusal([manifest, other.sections[1]!, second, end])).toMatch(/^package_untrusted: /);
    expect(await refusal(one.sections, other.head)).toMatch(/^package_untrusted: /);
  });
});

describe('a zip bomb', () => {
  /** A package whose section 2 says that it unpacks to `bytes`, and unpacks to `content`. */
  async function bomb(content: Uint8Array, bytes: number, key: PrivateKey): Promise<Uint8Array> {
    const manifest = manifestOf('LAG-001');
    const { kind, centerId, packageId } = manifest;
    const head = formatHead({ kind, centerId, packageId, to: [parcel.recipient] });
    const section = (number: number, name: string, unpacked: Uint8Array, says: number) => {
      const stored = bytesOf(zstdCompressSync(bytesOf(unpacked)));
      const fields = {
        section: number,
        kind: name,
        bytes: says,
        stored: stored.length,
        sha256: sha256(stored),
      };
      const { package: _, ...line } = signDocument({ package: sha256(head), ...fields }, key);
      return [new TextEncoder().encode(`${JSON.stringify(line)}\n`), stored];
    };
    const text = new TextEncoder().encode(JSON.stringify(manifest));
    const sections = [
      ...section(1, 'manifest', text, text.length),
      ...section(2, 'revisions', content, bytes),
    ];
    return close({ head, sections });
  }

  test('of an unknown sender is not even unpacked', async () => {
    const file = await bomb(new Uint8Array(100 << 20), 100 << 20, makeKey());
    expect(await refusalOf(parcel.unpack(file))).toMatch(/^package_untrusted: .*not signed/);
  });

  test.each([
    ['says how large it is', 100 << 20, 100 << 20],
    ['says less than it is', 100 << 20, 1000],
    ['says nothing', 100 << 20, 0],
    ['says more than it is', 1000, SECTION_LIMIT_BYTES],
  ])('of a known sender is refused when it %s', async (_, length, says) => {
    const file = await bomb(new Uint8Array(length), says, parcel.signing);
    expect(await refusalOf(parcel.unpack(file))).toMatch(
      length > says || says > SECTION_LIMIT_BYTES
        ? /^package_untrusted: .*zip bomb/
        : /^package_damaged: .*shorter/,
    );
  });
});
