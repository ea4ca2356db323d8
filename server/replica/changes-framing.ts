import type { ChangesQuery } from './changes-query.ts';
import { type Rendered, rowText } from './changes-rows.ts';

/** How a feed that waits goes on the line. */
export interface Framing {
  contentType: string;
  open: string;
  /** @param sent how many rows went before it. */
  row(row: Rendered, sent: number): string;
  heartbeat: string;
  /** @param end the last fields of the answer, and the brace after them. */
  close(end: string): string;
}

/** As CouchDB writes them: one JSON object, one on each line, or server-sent events. */
export const FRAMINGS: Record<Exclude<ChangesQuery['feed'], 'normal'>, Framing> = {
  longpoll: {
    contentType: 'application/json',
    open: '{"results":[\n',
    row: (row, sent) => `${sent === 0 ? '' : ',\n'}${rowText(row)}`,
    heartbeat: '\n',
    close: (end) => `\n],${end}\n`,
  },
  continuous: {
    contentType: 'application/json',
    open: '',
    row: (row) => `${rowText(row)}\n`,
    heartbeat: '\n',
    close: (end) => `{${end}\n`,
  },
  eventsource: {
    contentType: 'text/event-stream',
    open: '',
    row: (row) => `data: ${rowText(row)}\nid: ${row.seq}\n\n`,
    heartbeat: 'event: heartbeat\ndata: \n\n',
    close: () => '',
  },
};
