import { centerDocument, centerShare, subjectDocument, wholeTest } from '../harness/documents.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';

export const TEST = 'SCI-P1';

/** A server with two centers whose ids collide by prefix, each with candidates; the first has the test. */
export interface SyncWorld extends AsyncDisposable {
  server: RunningServer;
  one: CenterAccess;
  ten: CenterAccess;
}

export async function openWorld(candidates = 3): Promise<SyncWorld> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await openServerHere());
  await server.importDocuments([
    ...[subjectDocument('SCI'), ...wholeTest(TEST, 4)],
    ...centerShare('LAG-1', TEST, candidates),
    centerDocument('LAG-10'),
  ]);
  const one = await server.addCenter('LAG-1');
  const ten = await server.addCenter('LAG-10');
  await server.assign(TEST, 'LAG-1');
  const opened = opening.move();
  return { server, one, ten, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
