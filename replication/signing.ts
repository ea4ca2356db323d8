import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import { canonicalJson } from './canonical.ts';

/**
 * Ed25519 signatures over documents. What is signed is the canonical JSON of the document's own fields: those that
 * begin with `_` are the database's, and `signature` is the signature.
 */

/** A key that signs: PKCS #8, base64. */
export type PrivateKey = string;
/** The half that verifies: SubjectPublicKeyInfo, base64. */
export type PublicKey = string;

export interface Signed {
  keyId: string;
  /** Ed25519, base64. */
  signature: string;
}

export function makeKey(): PrivateKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
}

export function publicKeyOf(key: PrivateKey): PublicKey {
  return createPublicKey(importPrivate(key)).export({ format: 'der', type: 'spki' }).toString('base64');
}

/** A public key's name: the first 32 hexadecimal digits of its SHA-256. */
export function keyIdOf(key: PublicKey): string {
  return createHash('sha256').update(decode(key)).digest('hex').slice(0, 32);
}

/** Whether the text is an Ed25519 public key. */
export function isPublicKey(text: string): boolean {
  try {
    return importPublic(text).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}

/** The fields with `keyId` and `signature` added. Ed25519 is deterministic: the same fields give the same signature. */
export function signDocument<Fields extends object>(fields: Fields, key: PrivateKey): Fields & Signed {
  const document = { ...fields, keyId: keyIdOf(publicKeyOf(key)) };
  const signature = sign(null, signedBytes(document), importPrivate(key)).toString('base64');
  return { ...document, signature };
}

/** Whether the document bears the signature of this key over exactly these fields. */
export function isSignedBy(document: object, key: PublicKey): boolean {
  const { keyId, signature } = document as Partial<Signed>;
  if (typeof signature !== 'string' || keyId !== keyIdOf(key)) return false;
  return verify(null, signedBytes(document), importPublic(key), decode(signature));
}

function signedBytes(document: object): Uint8Array<ArrayBuffer> {
  const fields = Object.entries(document).filter(([name]) => !name.startsWith('_') && name !== 'signature');
  return new TextEncoder().encode(canonicalJson(Object.fromEntries(fields)));
}

function importPrivate(key: PrivateKey) {
  return createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' });
}

function importPublic(key: PublicKey) {
  return createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}
