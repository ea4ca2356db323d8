import { runScript } from '../harness/child.ts';
import { startNode } from '../harness/node.ts';
import type { Replicated, ReplicateJob } from './replicate.ts';

/** A stock PouchDB client in a process of its own pulls a replica. @throws Error when it does not get all of it. */
export async function pullWithPouch(job: ReplicateJob, expected: number): Promise<Replicated> {
  const exit = await runScript('test/bench/replicate.ts', [JSON.stringify(job)]);
  if (exit.code !== 0) throw new Error(`the PouchDB client failed:\n${exit.output}`);
  return checked(JSON.parse(exit.stdout) as Replicated, expected);
}

/** Our node, set up for the center, replicates once into an empty folder. */
export async function pullWithNode(
  server: string,
  center: { centerId: string; secret: string },
  expected: number,
): Promise<Replicated> {
  await using node = await startNode({ server, center });
  const start = performance.now();
  await node.replicate();
  const seconds = (performance.now() - start) / 1000;
  const info = await fetch(node.replicaUrl);
  const { doc_count } = (await info.json()) as { doc_count: number };
  return checked({ documents: doc_count, seconds }, expected);
}

function checked(replicated: Replicated, expected: number): Replicated {
  if (replicated.documents === expected) return replicated;
  throw new Error(`the replica holds ${replicated.documents} documents, it must be ${expected}`);
}
