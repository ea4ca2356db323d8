import type { Problem } from '../../replication/pages/ask.ts';
import { askLines } from '../../replication/pages/ask-lines.ts';
import { FORM_ORDER, type FormName, matchHeader } from '../ingest/csv/forms.ts';
import type { Fault } from '../ingest/entries.ts';
import type { ImportCounts } from '../ingest/run.ts';
import { cell, namesIn, recordsOf } from './csv.ts';

/** A file to import, and how far it is. */
export interface Upload {
  file: File;
  form: FormName | undefined;
  /** Its records, without the header. */
  rows: number;
  counts?: ImportCounts;
  faults: Fault[];
  problem?: Problem;
}

interface Line {
  fault?: Fault;
  progress?: ImportCounts;
  counts?: ImportCounts;
}

export interface ImportOptions {
  dryRun: boolean;
  strict: boolean;
}

/** Files in the order in which they depend on each other; what is not recognized stands first. */
export async function readUploads(files: Iterable<File>): Promise<Upload[]> {
  const uploads = await Promise.all([...files].map(readUpload));
  const rank = ({ form }: Upload) => (form === undefined ? -1 : FORM_ORDER.indexOf(form));
  return uploads.sort((a, b) => rank(a) - rank(b) || (a.file.name < b.file.name ? -1 : 1));
}

async function readUpload(file: File): Promise<Upload> {
  const [header, ...rows] = recordsOf(await file.text());
  const matched = matchHeader(namesIn(header?.text ?? ''));
  return { file, form: 'form' in matched ? matched.form : undefined, rows: rows.length, faults: [] };
}

/** Sends one file and tells how far it is, each time it has come further. */
export async function importFile(
  upload: Upload,
  { dryRun, strict }: ImportOptions,
  told: (upload: Upload) => void,
): Promise<Upload> {
  const query = new URLSearchParams({
    dryRun: String(dryRun),
    strict: String(strict),
    file: upload.file.name,
  });
  let now: Upload = { ...upload, faults: [] };
  const heard = ({ fault, progress, counts }: Line) => {
    if (fault) now = { ...now, faults: [...now.faults, fault] };
    const reached = counts ?? progress;
    if (!reached) return;
    now = { ...now, counts: reached };
    told(now);
  };
  await askLines<Line>(`/api/import?${query}`, upload.file, { type: 'text/csv', heard });
  told(now);
  return now;
}

/** The bad rows of a file as they stand in it, each with what is wrong: to be corrected and imported again. */
export async function badRows({ file, faults }: Upload): Promise<string> {
  const [header, ...rows] = recordsOf(await file.text());
  const reasons = Map.groupBy(faults, ({ line }) => line);
  const bad = rows.flatMap(({ line, text }) => {
    const found = reasons.get(line);
    if (!found) return [];
    const reason = found.map(({ field, reason: what }) => (field ? `${field}: ${what}` : what)).join('; ');
    return [`${text},${cell(reason)}`];
  });
  return [`${header?.text ?? ''},reason`, ...bad, ''].join('\r\n');
}
