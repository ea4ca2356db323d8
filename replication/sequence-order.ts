/**
 * Sequences as this project writes them: `<position>[.<sub>]-<database>`. They are opaque to CouchDB's clients; the
 * order of two is needed where a package says what it begins after, and no database can be asked.
 */

const SEQUENCE = /^(\d+)(?:\.(\d+))?-([0-9A-Za-z_.~-]+)$/;

/** The beginning of every database. */
export const ZERO = '0';

interface SequenceParts {
  at: number;
  /** Orders what stands at one position; `Infinity` after all of it. */
  sub: number;
  database: string;
}

/** Takes a sequence apart; `undefined` when it is none of ours. */
export function parseSequenceParts(sequence: string): SequenceParts | undefined {
  const match = SEQUENCE.exec(sequence);
  if (!match) return undefined;
  const sub = match[2] === undefined ? Number.POSITIVE_INFINITY : Number(match[2]);
  return { at: Number(match[1]), sub, database: match[3] as string };
}

/** Whether `a` comes before `b` (-1), after it (1), or is the same place (0); `undefined` in different databases. */
export function compareSequences(a: string, b: string): -1 | 0 | 1 | undefined {
  if (a === b) return 0;
  if (a === ZERO) return -1;
  if (b === ZERO) return 1;
  const [one, other] = [parseSequenceParts(a), parseSequenceParts(b)];
  if (!one || !other || one.database !== other.database) return undefined;
  if (one.at !== other.at) return one.at < other.at ? -1 : 1;
  return one.sub === other.sub ? 0 : one.sub < other.sub ? -1 : 1;
}
