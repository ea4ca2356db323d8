import { type Command, InvalidArgumentError, Option } from 'commander';
import type { StatusAnswer } from '../routes/schemas.ts';
import { MODES } from '../sync/machine.ts';
import { withNodeApi } from './api.ts';

/** `cbt-node status` and `cbt-node mode`. */
export function addStatusCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
): void {
  program
    .command('status')
    .description('say where the node stands')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await withNodeApi(env, (api) => api.request<StatusAnswer>('GET', '/api/status'));
      if (json) return print(JSON.stringify(status));
      for (const line of statusLines(status)) print(line);
    });

  program
    .command('mode')
    .description('choose when to replicate; holds at once and over restarts')
    .argument('<mode>', MODES.join(', '), parseMode)
    .addOption(new Option('--every <minutes>', 'for batch').argParser(parseMinutes))
    .action(async (mode: string, { every }: { every?: number }) => {
      const body = { mode, ...(every !== undefined && { everyMinutes: every }) };
      const status = await withNodeApi(env, (api) => api.request<StatusAnswer>('PUT', '/api/mode', body));
      print(`mode: ${modeText(status)}`);
    });
}

function parseMode(text: string): string {
  if ((MODES as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`not one of ${MODES.join(', ')}`);
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!Number.isInteger(minutes) || minutes < 1)
    throw new InvalidArgumentError('not a whole number of minutes');
  return minutes;
}

function statusLines(status: StatusAnswer): string[] {
  const { verification } = status;
  const lines = [
    `center        ${status.centerId}`,
    `server        ${status.server} (line ${status.line})`,
    `mode          ${modeText(status)}`,
    `documents     ${status.documents}`,
    `last pull     ${status.lastPullAt ?? 'never'}`,
    `last push     ${status.lastPushAt ?? 'never'}`,
    `to push       ${status.pendingPush}`,
    `to pull       ${status.pendingPull ?? 'not known'}`,
    `quarantine    ${status.quarantined}${waitingText(status)}`,
    `results       ${status.results.confirmed} of ${status.results.total} confirmed by the hub`,
    `may be wiped  ${status.wipe.allowed ? 'yes' : `no: ${status.wipe.reasons.join('; ')}`}`,
    `equal to hub  ${equalText(verification)}`,
  ];
  if (status.packageImport) lines.push(`package       ${importText(status.packageImport)}`);
  if (status.lastError) lines.push(`last error    ${status.lastError.reason} (${status.lastError.at})`);
  return lines;
}

function importText({ phase, revisions, total }: NonNullable<StatusAnswer['packageImport']>): string {
  return `${phase}, ${revisions}${total === null ? '' : ` of ${total}`} revisions`;
}

function waitingText({ quarantine: { waiting } }: StatusAnswer): string {
  return waiting > 0 ? `, ${waiting} of them wait for a decision` : '';
}

function modeText({ mode, everyMinutes }: StatusAnswer): string {
  return mode === 'batch' ? `batch, every ${everyMinutes} minutes` : mode;
}

function equalText({ at, equal, differences }: StatusAnswer['verification']): string {
  if (differences.length > 0) return `no, ${differences.length} differ`;
  if (at === null || equal === null) return 'not compared yet';
  return `${equal ? 'yes' : 'no'} (${at})`;
}
