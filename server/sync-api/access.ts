import { createHash, randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Credentials, Identity } from '../control/credentials.ts';
import type { ControlStore } from '../control/store.ts';

/** How long a token is good for. */
export const TOKEN_SECONDS = 15 * 60;

/** Who asks, by a credential or by a token that was given for one. */
export interface Access {
  /** `undefined`: the header speaks for nobody. */
  identify(authorization: string | undefined): Promise<Identity | undefined>;
  /** A JSON Web Token (RFC 7519, HS256). It dies with the credential it was given for. */
  issue(identity: Identity): Promise<string>;
}

const KEY_BYTES = 32;
const ALGORITHM = 'HS256';
const ISSUER = 'cbt-sync';
const JWT = /^Bearer\s+([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** The key that signs tokens is made at the first start and kept in the control store. */
export async function openAccess(store: ControlStore, credentials: Credentials): Promise<Access> {
  const key = Uint8Array.from(Buffer.from(await tokenKey(store), 'base64'));

  /** Tells whether the credential is still the one that a token was given for, and nothing else about it. */
  function generationOf(identity: Identity): string | undefined {
    const version = credentials.version(identity);
    return version && createHash('sha256').update(key).update(version).digest('base64url').slice(0, 16);
  }

  async function verifyToken(token: string): Promise<Identity | undefined> {
    try {
      const { payload } = await jwtVerify(token, key, { algorithms: [ALGORITHM], issuer: ISSUER });
      const { sub = '', role, generation } = payload;
      const identity: Identity = role === 'admin' ? { role } : { role: 'center', centerId: sub };
      return generationOf(identity) === generation ? identity : undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  return {
    async identify(authorization) {
      const token = JWT.exec(authorization ?? '')?.[1];
      const identity = token === undefined ? undefined : await verifyToken(token);
      return identity ?? credentials.verify(authorization);
    },
    issue: (identity) =>
      new SignJWT({ role: identity.role, generation: generationOf(identity) })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(ISSUER)
        .setSubject(identity.role === 'center' ? identity.centerId : 'admin')
        .setIssuedAt()
        .setExpirationTime(`${TOKEN_SECONDS}s`)
        .sign(key),
  };
}

/** Whether a header has the form of a token that was issued, good or not. */
export function isToken(authorization: string): boolean {
  return JWT.test(authorization);
}

async function tokenKey(store: ControlStore): Promise<string> {
  const space = store.space<string>('server');
  const kept = await space.get('token-key');
  if (kept) return kept;
  const made = randomBytes(KEY_BYTES).toString('base64');
  await space.put('token-key', made);
  return made;
}
