/** How far a long piece of work has come, shown where people or logs can read it. */
export interface Progress {
  /** `total` may be unknown, and may change as more becomes known. */
  update(done: number, total?: number): void;
  /** Writes a line of its own, above the bar where there is one. */
  print(line: string): void;
  /** Takes the bar away and writes the summary, if there is one. */
  end(summary?: string): void;
}

/** What is written to: a terminal says so and knows its width. */
export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const LINE_INTERVAL_MS = 1000;
const BAR_INTERVAL_MS = 80;
const DEFAULT_COLUMNS = 80;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001B[2K';

/** A bar on a terminal; plain lines, at most one a second, in a pipe or a file. */
export function createProgress(
  stream: ProgressStream,
  label: string,
  now: () => number = Date.now,
): Progress {
  const terminal = stream.isTTY === true;
  let shownAt = now();
  let drawn = '';

  function draw(done: number, total: number | undefined): void {
    const columns = stream.columns ?? DEFAULT_COLUMNS;
    drawn = terminal ? barOf(label, done, total).slice(0, columns - 1) : lineOf(label, done, total);
    stream.write(terminal ? CLEAR_LINE + drawn : `${drawn}\n`);
  }

  return {
    update(done, total) {
      const interval = terminal ? BAR_INTERVAL_MS : LINE_INTERVAL_MS;
      if (now() - shownAt < interval) return;
      shownAt = now();
      draw(done, total);
    },
    print(line) {
      stream.write(terminal ? `${CLEAR_LINE}${line}\n${drawn}` : `${line}\n`);
    },
    end(summary) {
      drawn = '';
      if (terminal) stream.write(CLEAR_LINE);
      if (summary !== undefined) stream.write(`${summary}\n`);
    },
  };
}

function lineOf(label: string, done: number, total: number | undefined): string {
  if (!total) return `${label}: ${format(done)}`;
  return `${label}: ${format(done)} of ${format(total)} (${percentOf(done, total)} %)`;
}

function barOf(label: string, done: number, total: number | undefined): string {
  if (!total) return lineOf(label, done, total);
  const filled = Math.round((percentOf(done, total) / 100) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${label} ${bar} ${percentOf(done, total)} %  ${format(done)} of ${format(total)}`;
}

function percentOf(done: number, total: number): number {
  return Math.floor((Math.min(done, total) / total) * 100);
}

function format(count: number): string {
  return count.toLocaleString('en-US');
}
