import { SyncError } from '../replication/errors.ts';
import { recipientOf } from '../replication/package/keys.ts';
import { makeKey, publicKeyOf } from '../replication/signing.ts';
import { type NodeIdentity, type NodeKeys, writeIdentity } from './identity.ts';
import type { Line } from './line.ts';

type Registered = Pick<NodeIdentity, 'privateKey' | 'serverKey' | 'serverPackageKey' | 'registeredAs'>;

interface RegistrationAnswer {
  serverKey: NonNullable<NodeIdentity['serverKey']>;
  /** Absent from a server that makes no packages. */
  packageKey?: string;
}

/** The node's keys and the server's, each made known to the other. */
export interface Registration {
  /** Whether the server knows this node, and this node the server's keys. */
  readonly isDone: boolean;
  /**
   * Registers this node's key, unless it has been under its present instance id. A server without such a register (an
   * older one) is asked again another time. @throws SyncError as the line does.
   * @param unknownKeyId a key that receipts are signed with and that is not the server's known one.
   */
  ensure(unknownKeyId: string | undefined, signal: AbortSignal): Promise<void>;
  /** Takes a new key: no two nodes may have the same. */
  renewKey(): Promise<void>;
}

export interface RegistrationOptions {
  dataDir: string;
  /** Changed in place, and kept in `dataDir`. */
  identity: NodeIdentity;
  line: Pick<Line, 'request'>;
  instanceId(): string;
}

export function createRegistration({
  dataDir,
  identity,
  line,
  instanceId,
}: RegistrationOptions): Registration {
  const asked = new Set<string>();

  async function keep(changes: Partial<NodeIdentity>): Promise<void> {
    Object.assign(identity, changes);
    await writeIdentity(dataDir, identity);
  }

  const isDone = () =>
    identity.serverKey !== undefined &&
    identity.serverPackageKey !== undefined &&
    identity.registeredAs === instanceId();

  return {
    get isDone() {
      return isDone();
    },
    async ensure(unknownKeyId, signal) {
      const isUnknown = unknownKeyId !== undefined && !asked.has(unknownKeyId);
      if (isDone() && !isUnknown) return;
      const registered = await register(line, identity, instanceId(), signal);
      if (!registered) return;
      if (unknownKeyId !== undefined) asked.add(unknownKeyId);
      await keep(registered);
    },
    renewKey: () => keep({ privateKey: makeKey() }),
  };
}

/**
 * Tells the server the public half of the node's key, and learns the server's.
 * @returns what is to be kept of it; `undefined` when the server has no register of nodes.
 */
export async function register(
  line: Pick<Line, 'request'>,
  { privateKey, packageKey }: NodeKeys,
  instanceId: string,
  signal?: AbortSignal,
): Promise<Registered | undefined> {
  const recipient = recipientOf(packageKey);
  const put = async (key: string) => {
    const body = { instanceId, publicKey: publicKeyOf(key), packageKey: recipient };
    const answer = await line.request<RegistrationAnswer>('PUT', '/_node', body, signal);
    const { serverKey, packageKey: serverPackageKey } = answer;
    return { privateKey: key, serverKey, serverPackageKey, registeredAs: instanceId };
  };
  try {
    return await put(privateKey);
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    if (error.code === 'not_found' || error.code === 'method_not_allowed') return undefined;
    // The key is that of another instance: of this machine before it was wiped, or of a copy.
    if (error.code === 'conflict') return put(makeKey());
    throw error;
  }
}
