/** One line of the table. */
export interface Row {
  what: string;
  ours: string;
  /** Empty where stock has nothing like it. */
  stock: string;
  ratio: string;
  target: string;
  met: boolean;
}

/** What the command line says besides the scale. */
export interface BenchOptions {
  /** A folder of an exam authority’s CSV exports; made-up ones of the same form when absent. */
  exports?: string;
  /** How long the board is watched. */
  minutes: number;
}

/** A measurement that makes one or more lines. */
export interface Measurement {
  /** What `--only` calls it. */
  name: string;
  /** For `--help`. */
  description: string;
  /** @param scale 1 for the sizes of the targets; less to look whether all runs. */
  measure(scale: number, say: (progress: string) => void, options: BenchOptions): Promise<Row[]>;
}

export function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en')}/s`;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

export function times(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)}×`;
}

/** A count at a scale, at least one. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}

/** A count as text: 5,000. */
export function counted(count: number): string {
  return count.toLocaleString('en');
}
