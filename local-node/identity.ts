import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SyncError } from '../replication/errors.ts';
import { isIdPart } from '../replication/ids.ts';
import * as packageKeys from '../replication/package/keys.ts';
import {
  isPublicKey,
  keyIdOf,
  makeKey,
  type PrivateKey,
  type PublicKey,
  publicKeyOf,
} from '../replication/signing.ts';

const schema = z.object({
  server: z.url({ protocol: /^https?$/, error: 'is not an http or https address' }),
  centerId: z.string().refine(isIdPart, 'is not a center id'),
  secret: z.string().min(1, 'is empty'),
  /** A part of the replication id; kept so that no replication has to ask for it. */
  serverUuid: z.string().optional(),
  /** What this node signs results with; made once. */
  privateKey: z.string().optional(),
  /** What the server signs receipts with, learned when this node's own key was registered there. */
  serverKey: z.object({ keyId: z.string(), publicKey: z.string().refine(isPublicKey) }).optional(),
  /** What packages for this node are decrypted with; made once. */
  packageKey: z.string().optional(),
  /** What packages for the server are encrypted to, learned together with `serverKey`. */
  serverPackageKey: z.string().refine(packageKeys.isRecipient).optional(),
  /** The instance id under which this node's key was registered. */
  registeredAs: z.string().optional(),
});

/** Which center this node is, which server it belongs to, and the secret it shows there. */
export type Identity = z.infer<typeof schema>;
/** With the keys that every node has from its first start on. */
export type NodeIdentity = Identity & NodeKeys;

export interface NodeKeys {
  privateKey: PrivateKey;
  packageKey: packageKeys.Identity;
}

const FILE = 'node.json';

/** Checks what an operator gave. @throws SyncError bad_request that names each wrong part. */
export function parseIdentity(given: { server: string; centerId: string; secret: string }): Identity {
  const parsed = schema.safeParse({ ...given, server: given.server.replace(/\/+$/, '') });
  if (parsed.success) return parsed.data;
  const list = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new SyncError('bad_request', list.join('; '));
}

/** The identity kept in `dataDir`, `undefined` before the node has been set up. */
export async function readIdentity(dataDir: string): Promise<Identity | undefined> {
  const file = join(dataDir, FILE);
  const text = await readFile(file, 'utf8').catch(absent);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyncError('bad_request', `${file} is not readable as set up; run "cbt-node setup" again`, {
      cause,
    });
  }
}

/** The identity with its keys: those kept, or new ones, which are kept then. */
export async function withKeys(dataDir: string, identity: Identity): Promise<NodeIdentity> {
  const keyed = { ...identity, ...keysOf(identity) };
  if (identity.privateKey === undefined || identity.packageKey === undefined) {
    await writeIdentity(dataDir, keyed);
  }
  return keyed;
}

/** The keys that are there, and new ones for those that are not. */
export function keysOf({ privateKey, packageKey }: Partial<Pick<Identity, keyof NodeKeys>>): NodeKeys {
  return { privateKey: privateKey ?? makeKey(), packageKey: packageKey ?? packageKeys.makeIdentity() };
}

/** The identity's key, with what is made of it: read anew each time, since a copy of a node takes another key. */
export function ownKey(identity: NodeIdentity): () => OwnKey {
  let known: OwnKey | undefined;
  return () => {
    const { privateKey } = identity;
    if (known?.privateKey !== privateKey) {
      const publicKey = publicKeyOf(privateKey);
      known = { privateKey, publicKey, keyId: keyIdOf(publicKey) };
    }
    return known;
  };
}

export interface OwnKey {
  privateKey: PrivateKey;
  publicKey: PublicKey;
  keyId: string;
}

/** Keeps the identity in `dataDir`, readable by its owner only; on the disk, whole or not at all, when it returns. */
export async function writeIdentity(dataDir: string, identity: Identity): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const file = join(dataDir, FILE);
  const draft = `${file}.${process.pid}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(identity, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(dataDir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return file;
}

/** The address of the center's feed. */
export function replicaUrl({ server, centerId }: Pick<Identity, 'server' | 'centerId'>): string {
  return `${server}/replicas/${encodeURIComponent(centerId)}`;
}

/** The `Authorization` header of the center. */
export function authorizationOf({ centerId, secret }: Identity): string {
  return `Basic ${Buffer.from(`${centerId}:${secret}`).toString('base64')}`;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Why there can be no package yet. */
export function keysMissing(): SyncError {
  return new SyncError(
    'not_ready',
    'the server’s keys are not known here yet: "cbt-node register" its answer, set the node up again, or replicate once',
  );
}
