import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { bech32 } from '@scure/base';
import { type Bytes, bytesOf } from './bytes.ts';

/** X25519 keys of packages as age writes them (https://age-encryption.org/v1, "X25519 recipient"). */

/** Who may read: `age1…`. */
export type Recipient = string;
/** The secret half: `AGE-SECRET-KEY-1…`. */
export type Identity = string;

const RECIPIENT_PREFIX = 'age';
const IDENTITY_PREFIX = 'age-secret-key-';
const KEY_BYTES = 32;
/** PKCS #8 around a raw X25519 key (RFC 8410). */
const PKCS8_HEAD = bytesOf(Buffer.from('302e020100300506032b656e04220420', 'hex'));

export function makeIdentity(): Identity {
  return bech32.encodeFromBytes(IDENTITY_PREFIX, bytesOf(randomBytes(KEY_BYTES))).toUpperCase();
}

/** @throws TypeError when it is no identity. */
export function recipientOf(identity: Identity): Recipient {
  const secret = keyIn(identity, IDENTITY_PREFIX);
  if (!secret) throw new TypeError('not an age identity');
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, secret]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return bech32.encodeFromBytes(RECIPIENT_PREFIX, bytesOf(publicKey.subarray(-KEY_BYTES)));
}

/** Whether the text is an X25519 recipient; other kinds (age1pq1…, age1tag1…) are not. */
export function isRecipient(text: string): boolean {
  return text === text.toLowerCase() && keyIn(text, RECIPIENT_PREFIX) !== undefined;
}

function keyIn(text: string, prefix: string): Bytes | undefined {
  const decoded = bech32.decodeUnsafe(text);
  const bytes = decoded?.prefix === prefix ? bech32.fromWordsUnsafe(decoded.words) : undefined;
  return bytes?.length === KEY_BYTES ? bytesOf(bytes) : undefined;
}
