import { isObject } from '../../replication/json.ts';

/** A document that is compared field by field; where a field is an object, its own fields stand for it. */
export type Fields = ReadonlyMap<string, unknown>;

type Document = Readonly<Record<string, unknown>>;

/** Between the names of a field and of a field in it; no name of a field has one. */
const IN = '\u0000';

/** The fields of a document, without those that are the database's own. */
export function fieldsOf(document: Document): Fields {
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(document)) {
    if (name.startsWith('_')) continue;
    if (!isObject(value) || Object.keys(value).length === 0) fields.set(name, value);
    else for (const [inner, of] of Object.entries(value)) fields.set(`${name}${IN}${inner}`, of);
  }
  return fields;
}

/** The name of a field as it is shown. */
export function shownName(path: string): string {
  return path.replace(IN, ' › ');
}

/** A value as it is shown; `undefined` where a document has no such field. */
export function shownValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (!isObject(value)) return JSON.stringify(value);
  const parts = Object.entries(value).map(([name, of]) => `${name}: ${shownValue(of) ?? ''}`);
  return parts.join(', ');
}

/** All fields of the documents, in the order in which the first ones have them. */
export function allPaths(documents: readonly Fields[]): string[] {
  return [...new Set(documents.flatMap((fields) => [...fields.keys()]))];
}

export function isSame(a: unknown, b: unknown): boolean {
  return shownKey(a) === shownKey(b);
}

/** Whether the documents differ in a field. */
export function differs(path: string, documents: readonly Fields[]): boolean {
  return documents.some((fields) => !isSame(fields.get(path), documents[0]?.get(path)));
}

/** The document that fields make together, with the database's own fields of `like`. */
export function documentOf(fields: Fields, like: Document): Record<string, unknown> {
  const own = Object.entries(like).filter(([name]) => name === '_id' || name === '_attachments');
  const document: Record<string, unknown> = Object.fromEntries(own);
  for (const [path, value] of fields) {
    const [name = '', inner] = path.split(IN);
    if (value === undefined) continue;
    if (inner === undefined) document[name] = value;
    else document[name] = { ...(document[name] as object | undefined), [inner]: value };
  }
  return document;
}

/** The same text for the same content, whatever the order of fields. */
function shownKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shownKey).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? '';
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${name}:${shownKey(value[name])}`).join()}}`;
}
