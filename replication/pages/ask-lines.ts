import { FROM_A_PAGE, Problem, UNANSWERED } from './ask.ts';

/**
 * Sends a file and reads the answer line by line as it comes, each line one JSON value. A line that is an error ends it.
 * @returns the last line. @throws Problem.
 */
export async function askLines<Line extends object>(
  path: string,
  file: Blob,
  { type, heard, signal }: { type: string; heard(line: Line): void; signal?: AbortSignal },
): Promise<Line> {
  const headers = { 'content-type': type, accept: 'application/x-ndjson', ...FROM_A_PAGE };
  const init: RequestInit = { method: 'POST', body: file, headers, ...(signal && { signal }) };
  const response = await fetch(path, init).catch((error: Error) => {
    throw new Problem(UNANSWERED, error.message);
  });
  if (!response.ok || !response.body) {
    const answer = (await response.json().catch(() => ({}))) as { error?: string; reason?: string };
    throw new Problem(answer.error ?? UNANSWERED, answer.reason ?? response.statusText);
  }
  let last: Line | undefined;
  for await (const line of linesOf(response.body)) {
    const value = JSON.parse(line) as Line & { error?: string; reason?: string };
    if (value.error !== undefined) throw new Problem(value.error, value.reason ?? '');
    heard(value);
    last = value;
  }
  if (!last) throw new Problem(UNANSWERED, 'the answer broke off');
  return last;
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = '';
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read().catch((error: Error) => {
      throw new Problem(UNANSWERED, error.message);
    });
    const lines = (rest + (value ?? '')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
    if (done) break;
  }
  if (rest !== '') yield rest;
}
