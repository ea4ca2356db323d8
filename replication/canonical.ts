import { hash } from 'node:crypto';

type Fields = Record<string, unknown>;

/** Stands for an object that cannot hold its fields in sorted order: whole numbers come first whatever one does. */
const UNSORTABLE = Symbol('unsortable');
const UNSORTABLE_KEY = /^(?:\d+|__proto__)$/;

/**
 * A value as JSON with sorted keys: the same text on every machine, whatever order the fields were stored in. Every
 * document goes through it on both sides, so what is in order is left as it is, and the text is made in one call.
 */
export function canonicalJson(value: unknown): string {
  const inOrder = sorted(value, keyOrder());
  return inOrder === UNSORTABLE ? spelledOut(value) : JSON.stringify(inOrder);
}

/** SHA-256 of a value's canonical JSON, 64 hexadecimal digits. */
export function canonicalHash(value: unknown): string {
  return hash('sha256', canonicalJson(value));
}

/** The same value with all keys in order; what is in order already is not copied. */
function sorted(value: unknown, order: KeyOrder): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const copy = value.map((inner) => sorted(inner, order));
    return copy.includes(UNSORTABLE) ? UNSORTABLE : copy;
  }
  const stored = Object.keys(value);
  const keys = order(stored);
  if (!keys) return UNSORTABLE;
  let copy: Fields | undefined = keys === stored ? undefined : {};
  for (const key of keys) {
    const inner = (value as Fields)[key];
    const made = sorted(inner, order);
    if (made === UNSORTABLE) return UNSORTABLE;
    if (made !== inner) copy ??= { ...value };
    if (copy) copy[key] = made;
  }
  return copy ?? value;
}

/** Keys in order, the same list if they are; `undefined` where an object cannot hold them so. */
type KeyOrder = (keys: string[]) => string[] | undefined;

/** Most of a document's objects have the same fields as the one before, as the answers of a sheet do. */
function keyOrder(): KeyOrder {
  let last: string[] = [];
  let lastInOrder: string[] = [];
  return (keys) => {
    if (areSorted(keys)) return keys.includes('__proto__') ? undefined : keys;
    if (areSame(keys, last)) return lastInOrder;
    if (keys.some((key) => UNSORTABLE_KEY.test(key))) return undefined;
    last = keys;
    lastInOrder = keys.toSorted();
    return lastInOrder;
  };
}

function areSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index] as string) < (keys[index - 1] as string)) return false;
  }
  return true;
}

function areSame(keys: readonly string[], others: readonly string[]): boolean {
  return keys.length === others.length && keys.every((key, index) => key === others[index]);
}

function spelledOut(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(spelledOut).join()}]`;
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${spelledOut(inner)}`);
  return `{${fields.join()}}`;
}
