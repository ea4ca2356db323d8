import { type ClientRequest, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { centerDocument, enrollmentDocument } from '../../harness/documents.ts';
import { startServer } from '../../harness/server.ts';
import { until } from '../../harness/until.ts';
import { delayRow } from '../changes-feed.ts';
import { centerIds } from '../dataset.ts';
import { counted, type Measurement, scaled } from '../row.ts';
import { usageOf } from '../usage.ts';

const LISTENERS = 1000;
const EVENTS = 200;
const PAUSE_MS = 20;
const LIMIT_KB = 40;
const LIMIT_MS = 100;

/** A listener to server-sent events at each of many centers. */
export const listeners: Measurement = {
  name: 'listeners',
  description: '1,000 listeners to server-sent events',
  async measure(scale, say) {
    const centers = centerIds(scaled(LISTENERS, scale));
    await using server = await startServer();
    await server.importDocuments(centers.map(centerDocument));
    const authorization = `Bearer ${server.adminToken}`;
    // What a server needs for its first requests is no listener's.
    for (let n = 0; n < 20; n += 1) await server.api.request('GET', '/api/status');
    const before = await usageOf(server.pid);
    say('listening');
    const arrivals = new Map<string, number>();
    const opened: ClientRequest[] = [];
    let listening = 0;
    for (const centerId of centers) {
      const asked = request(`${server.url}/sync/events/${centerId}`, {
        agent: false,
        headers: { authorization },
      });
      asked.on('error', () => {});
      asked.on('response', (response) => {
        listening += 1;
        response.setEncoding('utf8').on('data', (text: string) => {
          const id = /"documentId":"([^"]+)"/.exec(text)?.[1];
          if (id !== undefined) arrivals.set(id, performance.now());
        });
      });
      opened.push(asked.end());
    }
    await until(() => listening === centers.length, { what: 'all listen', withinMs: 60_000 });
    const after = await usageOf(server.pid);
    const kilobytes = (after.residentBytes - before.residentBytes) / centers.length / 1000;

    say('events');
    const delaysMs: number[] = [];
    for (let n = 0; n < EVENTS; n += 1) {
      const doc = enrollmentDocument(centers[n % centers.length] as string, 'SCI-P1', n);
      await server.api.request('PUT', `/couch/cbt/${encodeURIComponent(doc._id)}`, doc);
      const written = performance.now();
      const at = await until(() => arrivals.get(doc._id), { what: 'the event arrives' });
      delaysMs.push(Math.max(0, at - written));
      await delay(PAUSE_MS);
    }
    for (const one of opened) one.destroy();
    return [
      {
        what: `${counted(centers.length)} listeners to events: resident for each`,
        ours: `${Math.round(kilobytes)} KB`,
        stock: '',
        ratio: '',
        target: `≤ ${LIMIT_KB} KB`,
        met: kilobytes <= LIMIT_KB,
      },
      delayRow('  from the acknowledged write to the listener, p99', delaysMs, LIMIT_MS),
    ];
  },
};
