import type { Row } from './row.ts';

const HEAD = ['what', 'ours', 'stock', 'ratio', 'must be', ''];

/** The table as lines of text; verdicts are colored on a terminal only. */
export function formatTable(rows: readonly Row[], colored: boolean): string[] {
  const paint = (code: number, text: string) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text);
  const cells = rows.map(({ what, ours, stock, ratio, target }) => [what, ours, stock, ratio, target]);
  const widths = HEAD.slice(0, 5).map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [
    paint(1, line(HEAD.slice(0, 5)).join('  ')),
    rule,
    ...rows.map((row, index) => {
      const verdict = row.met ? paint(32, 'met') : paint(31, 'missed');
      return `${line(cells[index] as string[]).join('  ')}  ${verdict}`;
    }),
  ];
}
