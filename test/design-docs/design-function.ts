import { createContext, Script } from 'node:vm';
import { readDesignDocuments } from '../../design-docs/install.ts';

/** A design function run as CouchDB runs it: from its installed text, as an expression, with nothing around it. */
export async function designFunction(
  designDocument: string,
  path: string[],
): Promise<(...args: unknown[]) => unknown> {
  const docs = await readDesignDocuments();
  const doc = docs.find(({ _id }) => _id === `_design/${designDocument}`);
  const text = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], doc);
  return new Script(`(${text})`).runInContext(createContext({})) as (...args: unknown[]) => unknown;
}
