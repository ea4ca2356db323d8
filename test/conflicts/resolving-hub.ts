import { join } from 'node:path';
import { pino } from 'pino';
import type { StoredDocument } from '../../replication/documents.ts';
import { type AuditLog, openAudit } from '../../server/control/audit.ts';
import { type Conflicts, openConflicts } from '../../server/control/conflicts/conflicts.ts';
import { openOrigins } from '../../server/control/conflicts/origins.ts';
import { openControlStore } from '../../server/control/store.ts';
import { type Hub, openHub } from '../../server/hub.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** A hub with its resolver, in this process. */
export interface ResolvingHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly conflicts: Conflicts;
  readonly audit: AuditLog;
  /** The live leaves of a document, by revision. */
  live(id: string): Promise<StoredDocument[]>;
}

/** @param options.wrap stands between the resolver and the hub, to fail for it. */
export async function openResolvingHub(
  options: { dataDir?: string; automatic?: boolean; wrap?: (hub: Hub) => Hub } = {},
): Promise<ResolvingHub> {
  await using opening = new AsyncDisposableStack();
  const folder = options.dataDir ?? opening.use(await tempFolder('cbt-resolving')).path;
  const hub = opening.use(await openHub({ dataDir: join(folder, 'hub'), hubUrl: undefined }));
  const store = opening.use(await openControlStore(folder));
  const audit = await openAudit(store);
  const conflicts = opening.use(
    await openConflicts({
      hub: options.wrap?.(hub) ?? hub,
      store,
      audit,
      origins: openOrigins(store),
      log: pino({ level: 'silent' }),
      automatic: options.automatic ?? true,
      settleMs: 20,
    }),
  );
  const opened = opening.move();
  return {
    hub,
    conflicts,
    audit,
    async live(id) {
      const answers = await hub.db.get(id, { open_revs: 'all' });
      const leaves = answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
      return leaves
        .filter(({ _deleted }) => !_deleted)
        .sort((a, b) => (String(a._rev) < String(b._rev) ? -1 : 1));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
