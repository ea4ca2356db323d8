import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pouchdbServer from 'express-pouchdb';
import PouchDB from 'pouchdb';
import leveldbAdapter from 'pouchdb-adapter-leveldb';
import { pouchIn } from '../../replication/pouch.ts';

/**
 * Stock: express-pouchdb as its readme says, LevelDB in the folder that is named; prints its address. With `synced`,
 * each write is on the disk before it is acknowledged.
 */
PouchDB.plugin(leveldbAdapter);
const [folder = '', synced] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const Stock =
  synced === 'synced'
    ? pouchIn(folder)
    : PouchDB.defaults({ prefix: join(folder, '/') } as PouchDB.Configuration.DatabaseConfiguration);
const app = pouchdbServer(Stock, { mode: 'minimumForPouchDB' });
const server = createServer({ maxHeaderSize: 65_536 }, app as never).listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
