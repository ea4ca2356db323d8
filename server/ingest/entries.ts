import type { StoredDocument } from '../../replication/documents.ts';
import type { FormName } from './csv/forms.ts';

/** Where something was read: a line of a file, or of the request itself when no file is named. */
export interface Origin {
  file?: string;
  line: number;
}

/** What is wrong with a line; `field` is empty when it is wrong as a whole. */
export interface Fault extends Origin {
  field: string;
  reason: string;
}

/** A row of one of the authority's forms: column name to cell. */
export interface RowEntry extends Origin {
  form: FormName;
  row: Record<string, string>;
  /** The ids that another service knows an enrollment and what belongs to it by. */
  sourceIds?: Record<string, string>;
}

/** A complete document. */
export interface DocumentEntry extends Origin {
  doc: StoredDocument;
}

/** What a person should know about a file, though nothing is wrong with its rows. */
export interface Note {
  file: string;
  note: string;
}

/** One line of input. A fault is what the reader of a file already found wrong with it. */
export type Entry = RowEntry | DocumentEntry | Fault | Note;
