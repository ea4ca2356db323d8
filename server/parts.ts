import type { FastifyBaseLogger } from 'fastify';
import type { ServerConfig } from './config.ts';
import type { Credentials } from './control/credentials.ts';
import type { Quarantine } from './control/quarantine.ts';
import type { ControlStore } from './control/store.ts';
import type { CenterFeed } from './feed/feed.ts';
import type { Hub } from './hub.ts';

/** What the routes are made of: everything the server has open. */
export interface ServerParts {
  readonly config: ServerConfig;
  readonly hub: Hub;
  readonly store: ControlStore;
  readonly feed: CenterFeed;
  readonly credentials: Credentials;
  readonly quarantine: Quarantine;
  /** 32 hexadecimal digits, the same for the life of `DATA_DIR`; CouchDB clients ask for it. */
  readonly uuid: string;
  readonly log: FastifyBaseLogger;
  /** Aborts when the server begins to stop: what waits for something ends its wait. */
  readonly stopping: AbortSignal;
}
