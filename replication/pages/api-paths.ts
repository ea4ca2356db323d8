/** The paths that this side's API has, by its own description: what is not there is not offered. */
export async function readPaths(): Promise<ReadonlySet<string>> {
  const response = await fetch('/docs/json');
  const { paths = {} } = (await response.json()) as { paths?: object };
  return new Set(Object.keys(paths));
}
