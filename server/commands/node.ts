import type { Command } from 'commander';
import type { NodeAnswer } from '../exam/schemas.ts';
import { withServerApi } from './api.ts';

/** `cbt-server node list | replace | take-back`. */
export function addNodeCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  const node = program.command('node').description('the nodes of a center: which may send what they have');

  node
    .command('list')
    .description('a center’s nodes, and what speaks against them')
    .argument('<center>', 'the center’s id')
    .option('--json', 'print JSON')
    .action(async (centerId: string, { json }: { json?: boolean }) => {
      const { nodes } = await withServerApi(env, (api) =>
        api.request<{ nodes: NodeAnswer[] }>('GET', `${pathOf(centerId)}/nodes`),
      );
      if (json) return print(JSON.stringify(nodes));
      if (nodes.length === 0) print(`no node of ${centerId} was heard of`);
      for (const line of nodes.flatMap(nodeLines)) print(line);
    });

  addReplaceCommand(node, env, print, { name: 'replace', method: 'POST' });
  addReplaceCommand(node, env, print, { name: 'take-back', method: 'DELETE' });
}

function addReplaceCommand(
  node: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  { name, method }: { name: 'replace' | 'take-back'; method: 'POST' | 'DELETE' },
): void {
  const done = method === 'POST' ? 'replaced' : 'taken back';
  const before = method === 'POST' ? 'replaced already' : 'not replaced';
  node
    .command(name)
    .description(
      method === 'POST' ? 'keep what a node still sends in quarantine' : 'take what a node sends again',
    )
    .argument('<center>', 'the center’s id')
    .argument('<node>', 'the node’s instance id')
    .action(async (centerId: string, instanceId: string) => {
      const path = `${pathOf(centerId)}/nodes/${encodeURIComponent(instanceId)}/replace`;
      const { changed } = await withServerApi(env, (api) => api.request<{ changed: boolean }>(method, path));
      print(`node ${instanceId} ${changed ? `is ${done}` : `was ${before}`}`);
    });
}

function nodeLines({ instanceId, standing, lastReportAt, suspicions }: NodeAnswer): string[] {
  const reported = lastReportAt === null ? 'no report yet' : `last report ${lastReportAt}`;
  const against = suspicions.map(({ at, what }) => `  ${at}  ${what}`);
  return [`${instanceId}  ${standing}  ${reported}`, ...against];
}

function pathOf(centerId: string): string {
  return `/api/centers/${encodeURIComponent(centerId)}`;
}
