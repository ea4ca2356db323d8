/** One record of a CSV file as it stands in the file, and the line on which it begins. */
export interface CsvRecord {
  line: number;
  text: string;
}

/** The records of a CSV file, the header first. Quoted cells may hold line breaks. */
export function recordsOf(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let [from, line, isQuoted] = [text.charCodeAt(0) === 0xfeff ? 1 : 0, 1, false];
  let startLine = 1;
  for (let at = from; at <= text.length; at += 1) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    if (character !== undefined && (character !== '\n' || isQuoted)) {
      if (character === '\n') line += 1;
      continue;
    }
    const record = text.slice(from, at).replace(/\r$/, '');
    if (record !== '') records.push({ line: startLine, text: record });
    line += 1;
    from = at + 1;
    startLine = line;
  }
  return records;
}

/** A text as one cell. What a spreadsheet would take for a formula is kept from being one. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The names in a header, to tell the form of a file by. */
export function namesIn(header: string): string[] {
  return header.split(/[,;\t]/).map((name) => name.trim().replace(/^"|"$/g, '').toLowerCase());
}
