import type { Command } from 'commander';
import type { ApiClient } from '../../replication/api-client.ts';
import { createProgress } from '../../replication/progress.ts';
import type { StatusAnswer } from '../routes/schemas.ts';
import { withNodeApi } from './api.ts';

/** `cbt-node replicate`: once, now, with progress. */
export function addReplicateCommand(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  program
    .command('replicate')
    .description('replicate now and wait until it is done')
    .action(async () => {
      const outcome = await withNodeApi(env, async (api) => {
        const progress = createProgress(process.stderr, 'replicating');
        const watching = new AbortController();
        const watched = watch(api, watching.signal, ({ progress: { pushed, pulled, total } }) =>
          progress.update(pushed + pulled, total ?? undefined),
        );
        try {
          return await api.request<{ pushed: number; pulled: number }>('POST', '/api/replicate?wait=true');
        } finally {
          watching.abort();
          await watched;
          progress.end();
        }
      });
      print(`replicated: ${outcome.pushed} pushed, ${outcome.pulled} pulled`);
    });
}

/** Reads the node's events until the signal; a bar is not worth an error. */
async function watch(
  api: ApiClient,
  signal: AbortSignal,
  show: (status: StatusAnswer) => void,
): Promise<void> {
  try {
    const response = await api.open('/api/events', { signal });
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      const data = lines.findLast((line) => line.startsWith('data: '));
      if (data) show(JSON.parse(data.slice('data: '.length)) as StatusAnswer);
    }
  } catch {
    // It ended: the replication is done, or its own request tells why it is not.
  }
}
