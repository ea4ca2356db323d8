/** Bytes that every interface takes; a Node Buffer's own type is not accepted by those of the web. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The same bytes as plain ones, not copied. */
export function bytesOf(buffer: Pick<Uint8Array, 'buffer' | 'byteOffset' | 'byteLength'>): Bytes {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

export function textOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

export function concat(parts: readonly Bytes[]): Bytes {
  if (parts.length === 1) return parts[0] as Bytes;
  return bytesOf(Buffer.concat(parts));
}

export function areEqual(a: Bytes, b: Bytes): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Reads a stream of chunks by lines and lengths. */
export interface ByteReader extends AsyncDisposable {
  /** The next line with its newline; `undefined` when none ends within `limit` bytes. */
  line(limit: number): Promise<Bytes | undefined>;
  /** The next `length` bytes, fewer only at the end. */
  bytes(length: number): Promise<Bytes>;
  /** Whether nothing follows; waits for no more than the next byte. */
  atEnd(): Promise<boolean>;
  /** All that follows, as it comes. */
  rest(): AsyncIterable<Bytes>;
}

const NEWLINE = 0x0a;

export function createByteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  const queue: Bytes[] = [];
  let queued = 0;

  /** Adds the next chunk to the queue; false at the end. */
  async function fetch(): Promise<boolean> {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return false;
      // An empty one would stay at the head of the queue for good.
      if (value.byteLength === 0) continue;
      queue.push(bytesOf(value));
      queued += value.byteLength;
      return true;
    }
  }

  /** Takes bytes that are there off the queue; copies them only where they stand in several chunks. */
  function take(length: number): Bytes {
    const parts: Bytes[] = [];
    for (let left = length; left > 0; ) {
      const chunk = queue[0] as Bytes;
      parts.push(chunk.subarray(0, left));
      if (chunk.length > left) queue[0] = chunk.subarray(left);
      else queue.shift();
      left -= Math.min(left, chunk.length);
    }
    queued -= length;
    return concat(parts);
  }

  return {
    async line(limit) {
      let passed = 0;
      let next = 0;
      for (;;) {
        for (; next < queue.length; next += 1) {
          const chunk = queue[next] as Bytes;
          const at = chunk.indexOf(NEWLINE);
          if (at >= 0) return passed + at < limit ? take(passed + at + 1) : undefined;
          passed += chunk.length;
        }
        if (passed >= limit || !(await fetch())) return undefined;
      }
    },
    async bytes(length) {
      while (queued < length && (await fetch())) {
        // Reading fills the queue.
      }
      return take(Math.min(length, queued));
    },
    async atEnd() {
      while (queued === 0) if (!(await fetch())) return true;
      return false;
    },
    async *rest() {
      do {
        while (queue[0]) yield take(queue[0].length);
      } while (await fetch());
    },
    async [Symbol.asyncDispose]() {
      await chunks.return?.();
    },
  };
}
