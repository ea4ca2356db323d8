import { keyIdOf, makeKey, type PrivateKey, type PublicKey, publicKeyOf } from '../../replication/signing.ts';
import type { ControlStore } from '../control/store.ts';

/** What the server signs receipts with. */
export interface ServerKey {
  keyId: string;
  publicKey: PublicKey;
  privateKey: PrivateKey;
}

/** The server's key, made at the first start and kept in the control store. */
export async function serverKey(store: ControlStore): Promise<ServerKey> {
  const space = store.space<PrivateKey>('server');
  let privateKey = await space.get('key');
  if (privateKey === undefined) {
    privateKey = makeKey();
    await space.put('key', privateKey);
  }
  const publicKey = publicKeyOf(privateKey);
  return { keyId: keyIdOf(publicKey), publicKey, privateKey };
}
