import type { FastifyInstance } from 'fastify';
import type { ServerParts } from '../parts.ts';
import { sendParts } from './reply.ts';
import { absent, type ReplicaRequest } from './request.ts';

interface DigestRoute {
  Params: ReplicaRequest['params'];
  Querystring: { partition?: string };
}

/** What a node needs beyond CouchDB's protocol: digests to prove equality by, and its own quarantine. */
export function registerDigests(app: FastifyInstance, { feed, quarantine }: ServerParts): void {
  app.get<DigestRoute>('/replicas/:centerId/_digest', async (request, reply) => {
    const { centerId } = request.params;
    await feed.fresh();
    const { partition } = request.query;
    const seq = feed.info(centerId).updateSeq;
    if (partition === undefined) return { seq, partitions: feed.digests(centerId) };
    if (!feed.scope(centerId).partitions.includes(partition)) throw absent();
    return sendParts(request, reply, documentDigests(seq, partition));
  });

  async function* documentDigests(seq: string, partition: string): AsyncGenerator<string> {
    yield `{"seq":"${seq}","documents":{`;
    let first = true;
    for await (const entries of feed.partitionEntries(partition)) {
      const live = entries.filter(([, entry]) => entry.digest !== undefined);
      const text = live.map(([id, entry]) => `"${id}":"${entry.digest}"`).join(',\n');
      if (text === '') continue;
      yield first ? `\n${text}` : `,\n${text}`;
      first = false;
    }
    yield '\n}}\n';
  }

  app.get<DigestRoute>('/replicas/:centerId/_quarantine', async (request) => {
    const entries: object[] = [];
    for await (const { doc, key, centerId, ...entry } of quarantine.list(request.params.centerId)) {
      entries.push(entry);
    }
    return { entries };
  });
}
