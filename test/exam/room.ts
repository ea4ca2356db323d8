import type { SessionView } from '../../local-node/exam/view.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import {
  assignmentDocument,
  centerShare,
  enrollmentDocument,
  questionDocument,
  subjectDocument,
  testDocument,
} from '../harness/documents.ts';
import {
  type NodeOptions,
  type NodeProcess,
  openNodeHere,
  type RunningNode,
  startNode,
} from '../harness/node.ts';
import {
  type CenterAccess,
  openServerHere,
  type RunningServer,
  type ServerProcess,
  startServer,
} from '../harness/server.ts';

export const CENTER = 'LAG-1';
export const TEST = 'SCI-P1';

export interface RoomOptions {
  candidates?: number;
  questions?: number;
  durationMinutes?: number;
  /** From now. */
  opensInMinutes?: number;
  closesInMinutes?: number;
  settings?: object;
  mode?: 'continuous' | 'batch' | 'manual';
  dataDir?: string;
}

/** A room in which a test is sat: a server, and a center's node that has pulled all it needs. */
export interface Room<Server = RunningServer, Node = RunningNode> extends AsyncDisposable {
  readonly server: Server;
  readonly node: Node;
  readonly access: CenterAccess;
  readonly candidates: Candidate[];
  readonly questions: StoredDocument[];
  /** A candidate's request, without any credentials. */
  ask<Answer = SessionView>(method: string, path: string, body?: unknown): Promise<Reply<Answer>>;
  enter(candidate: Candidate): Promise<SessionView>;
}

/** A room whose server and node can be killed and started again. */
export type RoomOfProcesses = Room<ServerProcess, NodeProcess>;

export interface Candidate {
  enrollmentId: string;
  accessCode: string;
}

export interface Reply<Answer> {
  status: number;
  headers: Headers;
  body: Answer & { error?: string; reason?: string };
}

/** The documents of a test that can be sat now. */
export function examDocuments(options: RoomOptions = {}): StoredDocument[] {
  const { candidates = 3, questions = 6, durationMinutes = 30 } = options;
  const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
  const test = {
    ...testDocument(TEST, questions),
    durationMinutes,
    startsAt: at(options.opensInMinutes ?? -10),
    endsAt: at(options.closesInMinutes ?? 60),
    ...(options.settings && { settings: options.settings }),
  };
  return [
    subjectDocument('SCI'),
    test,
    ...Array.from({ length: questions }, (_, index) => questionDocument(TEST, index + 1)),
    ...centerShare(CENTER, TEST, candidates),
    assignmentDocument(TEST, CENTER),
  ];
}

export async function openRoom(options: RoomOptions = {}): Promise<Room> {
  return furnish(options, openServerHere, openNodeHere);
}

/** @param env of the node's process. */
export async function startRoom(
  options: RoomOptions & { env?: Record<string, string> } = {},
): Promise<RoomOfProcesses> {
  const { env = {} } = options;
  return furnish(options, startServer, (node) => startNode({ ...node, env }));
}

async function furnish<Server extends RunningServer, Node extends RunningNode>(
  options: RoomOptions,
  open: () => Promise<Server>,
  openNode: (options: NodeOptions) => Promise<Node>,
): Promise<Room<Server, Node>> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await open());
  const access = await server.addCenter(CENTER);
  const docs = examDocuments(options);
  await server.importDocuments(docs);
  const { mode, dataDir } = options;
  const node = opening.use(await openNode({ server: server.url, center: access, mode, dataDir }));
  await node.replicate();
  const opened = opening.move();

  async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Reply<Answer>> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    const response = await fetch(node.url + path, init);
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Reply<Answer>['body'],
    };
  }

  return {
    server,
    node,
    access,
    questions: docs.filter(({ type }) => type === 'question'),
    candidates: Array.from({ length: options.candidates ?? 3 }, (_, index) => {
      const { enrollmentId, accessCode } = enrollmentDocument(CENTER, TEST, index + 1);
      return { enrollmentId: String(enrollmentId), accessCode: String(accessCode) };
    }),
    ask,
    async enter({ accessCode }) {
      const { status, body } = await ask<SessionView>('POST', '/api/sessions', { accessCode });
      if (status > 201) throw new Error(`${status} ${body.error}: ${body.reason}`);
      return body;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
