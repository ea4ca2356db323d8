import type { FastifyBaseLogger } from 'fastify';
import type { Board } from './board/board.ts';
import type { ServerConfig } from './config.ts';
import type { AuditLog } from './control/audit.ts';
import type { Conflicts } from './control/conflicts/conflicts.ts';
import type { Origins } from './control/conflicts/origins.ts';
import type { Credentials } from './control/credentials.ts';
import type { Operations } from './control/operations.ts';
import type { Quarantine } from './control/quarantine.ts';
import type { ControlStore } from './control/store.ts';
import type { Events } from './events/open.ts';
import type { ExamDay } from './exam/exam-day.ts';
import type { CenterFeed } from './feed/feed.ts';
import type { Hub } from './hub.ts';
import type { Ingest } from './ingest/mongo/ingest.ts';
import type { Mirror } from './mirrors/mirror.ts';
import type { Packages } from './packages/packages.ts';
import type { Access } from './sync-api/access.ts';

/** What everything else of the server is made of. */
export interface CoreParts {
  readonly config: ServerConfig;
  readonly hub: Hub;
  readonly store: ControlStore;
  readonly feed: CenterFeed;
  readonly credentials: Credentials;
  readonly access: Access;
  readonly quarantine: Quarantine;
  /** One import at a time, whoever makes it: waits for its turn. */
  readonly importing: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly audit: AuditLog;
  readonly origins: Origins;
  readonly conflicts: Conflicts;
  readonly exam: ExamDay;
  readonly operations: Operations;
  readonly events: Events;
  /** Those that the configuration names. */
  readonly mirrors: readonly Mirror[];
  /** From the registration service's MongoDB, if the configuration names it. */
  readonly ingest: Ingest | undefined;
  readonly packages: Packages;
  /** 32 hexadecimal digits, the same for the life of `DATA_DIR`; CouchDB clients ask for it. */
  readonly uuid: string;
  readonly log: FastifyBaseLogger;
  /** Aborts when the server begins to stop: what waits for something ends its wait. */
  readonly stopping: AbortSignal;
  /** Aborts when a write to the disk has failed: nothing more is stored until the server is opened again. */
  readonly unwritable: AbortSignal;
}

/** What the routes are made of: everything the server has open. */
export interface ServerParts extends CoreParts {
  readonly board: Board;
}
