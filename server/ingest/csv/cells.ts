import { isIdPart } from '../../../replication/ids.ts';
import { type CellKind, FORMS, type FormName } from './forms.ts';

/** What is wrong with one cell. */
export interface CellFault {
  field: string;
  reason: string;
}

/** A row's cells as the fields of a document: camelCase, numbers as numbers, empty optional ones absent. */
export type Fields = Record<string, string | number>;

/** Checks a row's cells and turns them into fields; `faults` is empty when the row is right. */
export function readCells(
  form: FormName,
  row: Readonly<Record<string, string>>,
): { fields: Fields; faults: CellFault[] } {
  const fields: Fields = {};
  const faults: CellFault[] = [];
  for (const [name, { kind, optional }] of Object.entries(FORMS[form])) {
    const cell = row[name] ?? '';
    if (cell === '') {
      if (!optional) faults.push({ field: name, reason: `empty ${labelOf(name)}` });
      continue;
    }
    const reason = faultOf(kind, cell, labelOf(name));
    if (reason) faults.push({ field: name, reason });
    else fields[fieldOf(name)] = isNumeric(kind) ? Number(cell) : cell;
  }
  return { fields, faults };
}

/** The document field of a column: `registration_number` is `registrationNumber`. */
function fieldOf(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The document fields of a form. */
export function fieldsOf(form: FormName): string[] {
  return Object.keys(FORMS[form]).map(fieldOf);
}

function labelOf(column: string): string {
  return column.replaceAll('_', ' ');
}

function isNumeric(kind: CellKind): boolean {
  return kind === 'count' || kind === 'number' || kind === 'percent';
}

function faultOf(kind: CellKind, cell: string, label: string): string | undefined {
  switch (kind) {
    case 'id':
      return idFault(cell);
    case 'count':
      return numberFault(cell, label) ?? (cell.includes('.') ? `${label} is not a whole number` : undefined);
    case 'number':
      return numberFault(cell, label);
    case 'percent':
      return numberFault(cell, label) ?? (Number(cell) > 100 ? `${label} is above 100` : undefined);
    case 'date':
      return isDate(cell) ? undefined : 'bad date';
    case 'timestamp':
      return isTimestamp(cell) ? undefined : 'bad date';
    case 'text':
      return undefined;
  }
}

function idFault(cell: string): string | undefined {
  if (/[/\\]/.test(cell) || /^\.+$/.test(cell)) return 'path in the id';
  if (cell.includes(':')) return 'id with a colon';
  return isIdPart(cell) ? undefined : 'id with a character other than A-Z a-z 0-9 . _ -';
}

function numberFault(cell: string, label: string): string | undefined {
  if (!/^-?\d{1,15}(\.\d{1,6})?$/.test(cell)) return `${label} is not a number`;
  return cell.startsWith('-') ? `negative ${label}` : undefined;
}

function isDate(cell: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(cell)) return false;
  const date = new Date(`${cell}T00:00:00Z`);
  // Date rolls the 30th of February over to March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(cell);
}

function isTimestamp(cell: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.exec(cell);
  return match !== null && isDate(match[1] as string) && !Number.isNaN(Date.parse(cell));
}
