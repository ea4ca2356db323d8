import { SyncError } from '../errors.ts';
import { parseId } from '../ids.ts';
import type { PrivateKey } from '../signing.ts';
import { encrypt } from './age.ts';
import type { Bytes } from './bytes.ts';
import type { Recipient } from './keys.ts';
import { END_MARK, formatHead, type Manifest, type PackageEnd, sha256 } from './manifest.ts';
import { SECTION_LIMIT_BYTES, type SectionKind, writeSection } from './section.ts';

/** One leaf of a document: its JSON with `_rev`, `_revisions` and the attachments' data. */
export interface RevisionLine {
  id: string;
  json: string;
}

export interface PackageContent {
  manifest: Manifest;
  /** The leaves, deleted ones too; those of one document follow each other. */
  revisions: AsyncIterable<RevisionLine>;
}

interface PackageKeys {
  /** Of the sender. */
  signing: PrivateKey;
  /** Of all who may read it. */
  recipients: readonly Recipient[];
}

/** So many characters make a section: the receiver can apply it before the next has come. */
const SECTION_CHARACTERS = 1 << 18;

/**
 * The bytes of a package, made as they are asked for. `ended` is told what is in it when all has been made.
 * @throws SyncError too_large for a document that no package can hold.
 */
export async function* writePackage(
  content: PackageContent,
  { signing, recipients }: PackageKeys,
  ended: (end: PackageEnd) => void = () => {},
): AsyncGenerator<Bytes> {
  const { kind, centerId, packageId } = content.manifest;
  const head = formatHead({ kind, centerId, packageId, to: [...recipients] });
  yield head;
  yield* encrypt(sections(content, sha256(head), signing, ended), recipients);
  yield END_MARK;
}

async function* sections(
  { manifest, revisions }: PackageContent,
  packageHash: string,
  key: PrivateKey,
  ended: (end: PackageEnd) => void,
): AsyncGenerator<Bytes> {
  let number = 0;
  const section = (kind: SectionKind, text: string): Promise<Bytes[]> => {
    number += 1;
    return writeSection(packageHash, number, kind, text, key);
  };
  const census = createCensus();
  yield* await section('manifest', JSON.stringify(manifest));
  for await (const lines of oneAhead(inSections(revisions, census.count))) {
    yield* await section('revisions', lines);
  }
  const end = census.taken();
  yield* await section('end', JSON.stringify(end));
  ended(end);
}

async function* inSections(
  revisions: AsyncIterable<RevisionLine>,
  count: (id: string) => void,
): AsyncGenerator<string> {
  let lines = '';
  for await (const { id, json } of revisions) {
    if (Buffer.byteLength(json) >= SECTION_LIMIT_BYTES) {
      throw new SyncError('too_large', `${id} is larger than what a package can hold of one document`);
    }
    if (lines.length + json.length > SECTION_CHARACTERS && lines !== '') {
      yield lines;
      lines = '';
    }
    lines += `${json}\n`;
    count(id);
  }
  if (lines !== '') yield lines;
}

/** Reads the next while one is worked on. */
async function* oneAhead<Item>(source: AsyncGenerator<Item>): AsyncGenerator<Item> {
  let next = source.next();
  try {
    for (let item = await next; !item.done; item = await next) {
      next = source.next();
      // Whoever asks for it hears of a failure.
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    await source.return(undefined);
  }
}

/** Counts documents by their types, which their ids tell. */
function createCensus(): { count(id: string): void; taken(): PackageEnd } {
  const counts = new Map<string, number>();
  let documents = 0;
  let revisions = 0;
  let last: string | undefined;
  return {
    count(id) {
      revisions += 1;
      if (id === last) return;
      last = id;
      documents += 1;
      const type = parseId(id)?.type ?? 'other';
      counts.set(type, (counts.get(type) ?? 0) + 1);
    },
    taken: () => ({ documents, revisions, counts: Object.fromEntries(counts) }),
  };
}
