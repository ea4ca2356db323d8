import { randomBytes } from 'node:crypto';
import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { expect, test } from 'vitest';
import { DecryptionError, decrypt, encrypt } from '../../replication/package/age.ts';
import { bytesOf } from '../../replication/package/bytes.ts';
import { isRecipient, makeIdentity, recipientOf } from '../../replication/package/keys.ts';
import { chunksOf, gather } from './parcel.ts';

const identity = makeIdentity();
const recipient = recipientOf(identity);

/** Around the borders of the format's chunks of 64 KiB. */
test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])(
  'what is encrypted here can be read by another program, and the other way round: %d bytes',
  async (length) => {
    const content = bytesOf(randomBytes(length));
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const here = await gather(encrypt(chunksOf(content), [recipient]));
    expect(await decrypter.decrypt(here)).toEqual(content);
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const there = await encrypter.encrypt(content);
    expect(await gather(decrypt(chunksOf(there, 777), identity))).toEqual(content);
  },
);

test('keys that are made here are keys elsewhere, and the other way round', async () => {
  expect(await identityToRecipient(identity)).toBe(recipient);
  const other = await generateX25519Identity();
  expect(recipientOf(other)).toBe(await identityToRecipient(other));
});

test('what is no recipient of this kind is not taken for one', async () => {
  expect(isRecipient(recipient)).toBe(true);
  const altered = `${recipient.slice(0, -1)}${recipient.endsWith('q') ? 'p' : 'q'}`;
  const hybrid = await identityToRecipient(await generateHybridIdentity());
  for (const text of [
    '',
    'age1',
    recipient.slice(0, -1),
    altered,
    identity,
    hybrid,
    recipient.toUpperCase(),
  ]) {
    expect(isRecipient(text), text).toBe(false);
  }
  expect(() => recipientOf(recipient)).toThrow(TypeError);
});

test('a header without an end is given up before it fills the memory', async () => {
  let read = 0;
  async function* endless(line: string): AsyncGenerator<Uint8Array> {
    for (;;) {
      read += line.length;
      yield new TextEncoder().encode(line);
    }
  }
  for (const line of ['-> X25519 abc\n', 'no newline in sight']) {
    read = 0;
    await expect(gather(decrypt(endless(line), identity))).rejects.toThrow(DecryptionError);
    expect(read).toBeLessThan(200_000);
  }
});
