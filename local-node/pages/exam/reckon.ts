/** A pocket calculator: what was entered, and what each key makes of it. */
export interface Reckoning {
  /** As it is shown. */
  shown: string;
  /** The number before the operation that waits. */
  left: number | undefined;
  operation: Operation | undefined;
  /** The next digit begins a new number. */
  isDone: boolean;
}

export type Operation = '+' | '−' | '×' | '÷';

export const NOTHING: Reckoning = { shown: '0', left: undefined, operation: undefined, isDone: true };

const MOST_DIGITS = 12;

const OPERATIONS: Record<Operation, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '−': (a, b) => a - b,
  '×': (a, b) => a * b,
  '÷': (a, b) => a / b,
};

/** What a calculator shows after a key was pressed. */
export function press(before: Reckoning, key: string): Reckoning {
  if (key === 'C') return NOTHING;
  if (/^\d$/.test(key)) return digit(before, key);
  if (key === '.') return before.isDone ? { ...before, shown: '0.', isDone: false } : point(before);
  if (key === '±') return { ...before, shown: shorten(-Number(before.shown)) };
  const result = reckon(before);
  if (key === '=') return { ...NOTHING, shown: shorten(result) };
  return { shown: shorten(result), left: result, operation: key as Operation, isDone: true };
}

function digit(before: Reckoning, key: string): Reckoning {
  if (before.isDone || before.shown === '0') return { ...before, shown: key, isDone: false };
  if (before.shown.replace(/\D/g, '').length >= MOST_DIGITS) return before;
  return { ...before, shown: before.shown + key };
}

function point(before: Reckoning): Reckoning {
  return before.shown.includes('.') ? before : { ...before, shown: `${before.shown}.` };
}

function reckon({ shown, left, operation, isDone }: Reckoning): number {
  const right = Number(shown);
  // An operation that is chosen again takes the place of the one before.
  if (left === undefined || operation === undefined || isDone) return right;
  return OPERATIONS[operation](left, right);
}

/** Without the last digits, where binary fractions go wrong. */
function shorten(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(MOST_DIGITS))) : 'NaN';
}
