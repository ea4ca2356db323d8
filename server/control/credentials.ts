import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { SyncError } from '../../replication/errors.ts';
import type { ControlStore } from './store.ts';

/** Who asks. */
export type Identity = { role: 'admin' } | { role: 'center'; centerId: string };

/** Who may do what: the administrator's token and one secret per center. */
export interface Credentials {
  /** Who an `Authorization` header speaks for; `undefined` when for nobody. */
  verify(authorization: string | undefined): Promise<Identity | undefined>;
  /** The same where a center's secret was verified before, or for the administrator; costs next to nothing. */
  known(authorization: string | undefined): Identity | undefined;
  /** Changes with the credential; `undefined` when there is none. */
  version(identity: Identity): string | undefined;
  /** Makes a center's first secret. @throws SyncError conflict when it has one. */
  create(centerId: string): Promise<string>;
  /** Makes a center's next secret; the one before is dead when this resolves. @throws SyncError not_found. */
  replace(centerId: string): Promise<string>;
  exists(centerId: string): boolean;
  /** The ids of the centers that have a secret, sorted. */
  list(): string[];
  /** When a center last proved who it is, since this server's start; `null` when it has not. */
  lastSeenAt(centerId: string): string | null;
  /** Aborts when the center's present secret is replaced: a feed that waits with the old one must end. */
  revoked(centerId: string): AbortSignal;
}

/** A secret as it is stored: scrypt with its own salt and cost. */
interface StoredSecret {
  salt: string;
  cost: number;
  hash: string;
  createdAt: string;
}

/**
 * Secrets are 192 random bits, which no one guesses however cheap a guess is. The cost is what a server can pay for
 * a thousand centers that come back at once (5 ms each).
 */
const SCRYPT_COST = 4096;
const encoder = new TextEncoder();
const HASH_BYTES = 32;
const SECRET_BYTES = 24;
/** How many wrong secrets are remembered: a node with an old secret must not cost a scrypt per request. */
const REMEMBERED_FAILURES = 1000;

/** Opens the credentials kept in the control store's space `credentials`. */
export async function openCredentials(store: ControlStore, adminToken: string): Promise<Credentials> {
  const space = store.space<StoredSecret>('credentials');
  const stored = new Map<string, StoredSecret>();
  for await (const [centerId, secret] of space.entries()) stored.set(centerId, secret);

  const key = randomBytes(HASH_BYTES).toString('hex');
  const digestOf = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  const adminDigest = digestOf(adminToken);
  const verified = new Map<string, string>();
  const seen = new Map<string, number>();
  const failed = new Set<string>();
  const checking = new Map<string, Promise<boolean>>();
  const revocations = new Map<string, AbortController>();

  async function put(centerId: string): Promise<string> {
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const record = await hashSecret(secret);
    await space.put(centerId, record);
    stored.set(centerId, record);
    verified.delete(centerId);
    revocations.get(centerId)?.abort();
    revocations.delete(centerId);
    return secret;
  }

  /** Runs scrypt once for however many requests carry the same secret at the same time. */
  function check(centerId: string, secret: string, digest: string): Promise<boolean> {
    const running = checking.get(digest);
    if (running) return running;
    const result = checkOnce(centerId, secret, digest).finally(() => checking.delete(digest));
    checking.set(digest, result);
    return result;
  }

  async function checkOnce(centerId: string, secret: string, digest: string): Promise<boolean> {
    const record = stored.get(centerId);
    const right = await matches(secret, record);
    // The secret may have been replaced while scrypt ran.
    if (right && record !== undefined && stored.get(centerId) === record) {
      verified.set(centerId, digest);
      return true;
    }
    if (failed.size >= REMEMBERED_FAILURES) failed.clear();
    failed.add(digest);
    return false;
  }

  async function verifyCenter(centerId: string, secret: string): Promise<Identity | undefined> {
    const digest = digestOf(`${centerId}:${secret}`);
    const known = verified.get(centerId);
    if (!known || !isSame(known, digest)) {
      if (failed.has(digest)) return undefined;
      if (!(await check(centerId, secret, digest))) return undefined;
    }
    seen.set(centerId, Date.now());
    return { role: 'center', centerId };
  }

  /** What a header holds: the administrator's credential, or a center's that is still to be verified. */
  function read(
    authorization: string | undefined,
  ): { role: 'admin' } | { name: string; secret: string } | undefined {
    const space = authorization?.indexOf(' ') ?? -1;
    if (!authorization || space < 0) return undefined;
    const value = authorization.slice(space + 1).trim();
    const scheme = authorization.slice(0, space).toLowerCase();
    const isAdmin = (token: string) => isSame(digestOf(token), adminDigest);
    if (scheme === 'bearer') return isAdmin(value) ? { role: 'admin' } : undefined;
    if (scheme !== 'basic') return undefined;
    const pair = Buffer.from(value, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon < 0) return undefined;
    const [name, secret] = [pair.slice(0, colon), pair.slice(colon + 1)];
    return name === 'admin' && isAdmin(secret) ? { role: 'admin' } : { name, secret };
  }

  return {
    async verify(authorization) {
      const found = read(authorization);
      return found && 'name' in found ? verifyCenter(found.name, found.secret) : found;
    },
    known(authorization) {
      const found = read(authorization);
      if (!found || 'role' in found) return found;
      const digest = verified.get(found.name);
      if (!digest || !isSame(digest, digestOf(`${found.name}:${found.secret}`))) return undefined;
      return { role: 'center', centerId: found.name };
    },
    version: (identity) => (identity.role === 'admin' ? adminToken : stored.get(identity.centerId)?.salt),
    async create(centerId) {
      if (stored.has(centerId)) throw new SyncError('conflict', `center ${centerId} has a secret already`);
      return put(centerId);
    },
    async replace(centerId) {
      if (!stored.has(centerId)) throw new SyncError('not_found', `center ${centerId} has no secret yet`);
      return put(centerId);
    },
    exists: (centerId) => stored.has(centerId),
    lastSeenAt(centerId) {
      const at = seen.get(centerId);
      return at === undefined ? null : new Date(at).toISOString();
    },
    list: () => [...stored.keys()].sort(),
    revoked(centerId) {
      let revocation = revocations.get(centerId);
      if (!revocation) {
        revocation = new AbortController();
        revocations.set(centerId, revocation);
      }
      return revocation.signal;
    },
  };
}

async function hashSecret(secret: string): Promise<StoredSecret> {
  const salt = randomBytes(16).toString('base64');
  const hash = await hashOf(secret, salt, SCRYPT_COST);
  return { salt, cost: SCRYPT_COST, hash, createdAt: new Date().toISOString() };
}

/** Takes as long for a center that is unknown, so that the time does not tell which centers there are. */
async function matches(secret: string, record: StoredSecret | undefined): Promise<boolean> {
  const hash = await hashOf(secret, record?.salt ?? '', record?.cost ?? SCRYPT_COST);
  return record !== undefined && isSame(hash, record.hash);
}

function hashOf(secret: string, salt: string, cost: number): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, HASH_BYTES, { N: cost }, (error, hash) => {
      if (error) reject(error);
      else resolve(hash.toString('base64'));
    });
  });
}

/** Compares in a time that does not tell where two texts begin to differ. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
