import type { StoredDocument } from '../../replication/documents.ts';

/** A row of `_changes`, with its document where the feed sends bodies along. */
export interface ChangesRow {
  seq: string;
  id: string;
  changes: { rev: string }[];
  deleted?: boolean;
  doc?: StoredDocument;
}

/** What stands after the rows of a `_changes` answer. */
export interface ChangesEnd {
  last_seq: string;
  pending?: number;
  /** The hub's digests at `last_seq`, by partition, where the feed sends bodies along. */
  digests?: Record<string, { documents: number; digest: string }>;
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Takes the rows out of a `_changes` answer while it arrives, so that no answer has to fit into memory and what came
 * before a cut is not lost.
 */
export class RowReader {
  readonly #decoder = new TextDecoder();
  /** From `#start` on: bytes that are no whole row yet. */
  #bytes = new Uint8Array(0);
  #at = 0;
  #start = 0;
  #depth = 0;
  #inString = false;
  #state: 'head' | 'rows' | 'tail' = 'head';

  /** The rows that are complete with these bytes. */
  push(chunk: Uint8Array): ChangesRow[] {
    this.#append(chunk);
    const rows: ChangesRow[] = [];
    if (this.#state === 'head') this.#skipHead();
    while (this.#state === 'rows' && this.#at < this.#bytes.length) {
      if (this.#inString) this.#skipString();
      else this.#step(rows);
    }
    return rows;
  }

  /** What follows the rows; `undefined` when the answer broke off. */
  end(): ChangesEnd | undefined {
    if (this.#state !== 'tail') return undefined;
    try {
      return JSON.parse(`{"results":[]${this.#text(this.#start)}`) as ChangesEnd;
    } catch {
      return undefined;
    }
  }

  /** Drops what has been read and adds what came. */
  #append(chunk: Uint8Array): void {
    const rest = this.#bytes.subarray(this.#start);
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    this.#bytes = bytes;
    this.#at -= this.#start;
    this.#start = 0;
  }

  #text(from: number, to?: number): string {
    return this.#decoder.decode(this.#bytes.subarray(from, to));
  }

  #skipHead(): void {
    const list = this.#bytes.indexOf(OPEN_LIST);
    if (list < 0) return;
    this.#at = list + 1;
    this.#start = this.#at;
    this.#state = 'rows';
  }

  #skipString(): void {
    const quote = this.#bytes.indexOf(QUOTE, this.#at);
    const backslash = this.#bytes.subarray(this.#at, quote < 0 ? undefined : quote).indexOf(BACKSLASH);
    if (backslash >= 0) {
      // Past the escaped byte, which may not be here yet.
      this.#at += backslash + 2;
    } else if (quote < 0) {
      this.#at = this.#bytes.length;
    } else {
      this.#at = quote + 1;
      this.#inString = false;
    }
  }

  #step(rows: ChangesRow[]): void {
    const byte = this.#bytes[this.#at++];
    if (byte === QUOTE) {
      this.#inString = true;
    } else if (byte === OPEN) {
      if (this.#depth === 0) this.#start = this.#at - 1;
      this.#depth += 1;
    } else if (byte === CLOSE) {
      this.#depth -= 1;
      if (this.#depth > 0) return;
      rows.push(JSON.parse(this.#text(this.#start, this.#at)) as ChangesRow);
      this.#start = this.#at;
    } else if (byte === CLOSE_LIST && this.#depth === 0) {
      this.#start = this.#at;
      this.#state = 'tail';
    }
  }
}
