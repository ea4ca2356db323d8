import { z } from 'zod';
import { idPart } from './fields.ts';
import { isRecipient } from './package/keys.ts';
import { isPublicKey } from './signing.ts';

/** What a node and the server tell each other of their keys, over the line or in two files that are carried. */

const publicKey = z
  .string()
  .refine(isPublicKey, 'is not an Ed25519 public key (SubjectPublicKeyInfo, base64)');
const recipient = z.string().refine(isRecipient, 'is not an age recipient (age1…)');

/** The public halves of a node's keys. */
export const nodeKeysSchema = z.object({
  instanceId: idPart,
  publicKey,
  packageKey: recipient.optional(),
});
export type NodePublicKeys = z.infer<typeof nodeKeysSchema>;

/** The server's, which a node trusts from then on. */
export const serverKeysSchema = z.object({
  serverKey: z.object({ keyId: z.string(), publicKey }),
  packageKey: recipient,
});
export type ServerPublicKeys = z.infer<typeof serverKeysSchema>;

/** What a node that has no line asks for, and what it gets. Nothing in them is secret. */
export const keyRequestSchema = nodeKeysSchema.required().extend({ centerId: idPart });
export const keyAnswerSchema = serverKeysSchema.extend({
  centerId: idPart,
  instanceId: idPart,
  serverUuid: z.string(),
});
export type KeyRequest = z.infer<typeof keyRequestSchema>;
export type KeyAnswer = z.infer<typeof keyAnswerSchema>;
