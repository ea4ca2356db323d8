/** What the demo writes: a line for each step, with a spinner while it runs on a terminal and nothing else in a pipe. */
export interface Screen {
  title(text: string): void;
  /** A line of its own. */
  say(text?: string): void;
  /** Runs a step and writes its line: what, what came of it, how long it took. */
  step<Result>(
    what: string,
    run: () => Promise<Result>,
    outcome: (result: Result) => string,
  ): Promise<Result>;
  fail(text: string): void;
}

export interface ScreenStream {
  isTTY?: boolean;
  write(text: string): unknown;
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const SPIN_MS = 80;
const WHAT_WIDTH = 34;
const CLEAR_LINE = '\r\u001b[2K';

const [BOLD, DIM, RED, GREEN, CYAN] = [1, 2, 31, 32, 36];

/**
 * @param options.colored false leaves out every escape sequence, also on a terminal.
 * @param options.signal no step begins after it has aborted.
 */
export function createScreen(
  stream: ScreenStream,
  { colored, signal }: { colored: boolean; signal: AbortSignal },
): Screen {
  const isLive = stream.isTTY === true && colored;
  const paint = (code: number, text: string) => (isLive ? `\u001b[${code}m${text}\u001b[0m` : text);
  const line = (text: string) => stream.write(`${text}\n`);

  function spin(what: string): () => void {
    if (!isLive) return () => {};
    let turn = 0;
    const draw = () => {
      stream.write(`${CLEAR_LINE}  ${paint(CYAN, SPINNER[turn % SPINNER.length] ?? '')} ${what}`);
      turn += 1;
    };
    draw();
    const timer = setInterval(draw, SPIN_MS);
    return () => {
      clearInterval(timer);
      stream.write(CLEAR_LINE);
    };
  }

  return {
    title: (text) => line(`\n${paint(BOLD, text)}\n`),
    say: (text = '') => line(text),
    async step(what, run, outcome) {
      signal.throwIfAborted();
      const stop = spin(what);
      const start = performance.now();
      let mark = paint(RED, '✗');
      let told = '';
      try {
        const result = await run();
        mark = paint(GREEN, '✓');
        told = outcome(result);
        return result;
      } finally {
        stop();
        const took = `${((performance.now() - start) / 1000).toFixed(2)} s`;
        line(`  ${mark} ${what.padEnd(WHAT_WIDTH)} ${paint(DIM, took.padStart(7))}   ${told}`.trimEnd());
      }
    },
    fail: (text) => line(paint(RED, text)),
  };
}
