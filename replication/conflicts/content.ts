import { isDeepStrictEqual } from 'node:util';
import type { StoredDocument } from '../documents.ts';
import type { Leaf } from './leaves.ts';

/** What a revision says, without what the database keeps of it. */
export interface Content {
  fields: Fields;
  attachments: Record<string, AttachedBytes>;
}

/** A document's own fields: those that do not begin with `_`. */
export type Fields = Record<string, unknown>;

/** An attachment, and where its bytes are. */
export interface AttachedBytes {
  /** The revision that has it, and under which name. */
  rev: string;
  name: string;
  contentType: string;
  length: number;
  digest: string;
}

export function contentOf({ rev, doc }: Pick<Leaf, 'rev' | 'doc'>): Content {
  const attachments = Object.entries(doc._attachments ?? {}).map(([name, stub]): [string, AttachedBytes] => [
    name,
    { rev, name, contentType: stub.content_type, length: stub.length ?? 0, digest: stub.digest ?? '' },
  ]);
  return { fields: ownFields(doc), attachments: Object.fromEntries(attachments) };
}

export function ownFields(doc: StoredDocument): Fields {
  return Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith('_')));
}

/** Whichever revision their attachments were read from. */
export function sameContent(a: Content, b: Content): boolean {
  return isDeepStrictEqual(a.fields, b.fields) && isDeepStrictEqual(digestsOf(a), digestsOf(b));
}

function digestsOf({ attachments }: Content): Record<string, string> {
  return Object.fromEntries(Object.entries(attachments).map(([name, { digest }]) => [name, digest]));
}

/** A field's value; a name such as `constructor` must not find what every object inherits. */
export function fieldOf(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
