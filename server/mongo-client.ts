import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';

/** How long a server that does not answer is waited for. */
const ANSWER_MS = 5000;

/** A MongoDB database that need not be reachable yet. */
export interface MongoDatabase extends AsyncDisposable {
  readonly db: Db;
  /** Has to be called before the database is used; does nothing once it was reached. @throws MongoError. */
  connect(): Promise<void>;
}

/**
 * The driver goes on by itself when a server goes and comes, but not when its first connection fails: all that is
 * asked then fails for good, until it is told to connect again.
 */
export function mongoDatabase(uri: string, options: MongoClientOptions): MongoDatabase {
  const times = { serverSelectionTimeoutMS: ANSWER_MS, connectTimeoutMS: ANSWER_MS };
  const client = new MongoClient(uri, { ...times, ...options });
  let connecting: Promise<unknown> | undefined;
  return {
    db: client.db(),
    async connect() {
      connecting ??= client.connect().catch((error: unknown) => {
        connecting = undefined;
        throw error;
      });
      await connecting;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}
