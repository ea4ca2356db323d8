import { readFileSync } from 'node:fs';

/** Preloaded into a process whose system time a test changes: the shift in milliseconds stands in `SHIFT_FILE`. */

const RealDate = Date;
const file = process.env.SHIFT_FILE as string;
const shifted = () => RealDate.now() + Number(readFileSync(file, 'utf8') || 0);

globalThis.Date = class extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(shifted());
    else super(...(given as [number]));
  }

  static override now(): number {
    return shifted();
  }
} as DateConstructor;
