import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { Problem } from '../../replication/pages/ask.ts';
import { formatCount } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import { download } from './download.ts';
import { badRows, importFile, readUploads, type Upload } from './import-run.ts';
import { useWords } from './words.ts';

const SHOWN_FAULTS = 20;

/** Files are dropped, checked, sent one after the other; bad rows come back with their reasons. */
export function Import(): VNode {
  const { import: words, problems } = useWords();
  const chooser = useRef<HTMLInputElement>(null);
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [isOver, setOver] = useState(false);
  const [dryRun, setDryRun] = useState(false);
  const [strict, setStrict] = useState(false);
  const act = useAct();
  const take = async (files: Iterable<File>) => setUploads(await readUploads(files));
  const told = (place: number) => (upload: Upload) =>
    setUploads((before) => before.map((other, at) => (at === place ? upload : other)));
  const run = () =>
    act.run(async () => {
      for (const [place, upload] of uploads.entries()) await runOne(upload, { dryRun, strict }, told(place));
    });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer) void take(event.dataTransfer.files);
  };
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return html`<div class="stack">
    <h1>${words.title}</h1>
    <div class="drop ${isOver ? 'over' : ''}" onDragOver=${over} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <p>${words.drop}</p>
      <button type="button" class="large" onClick=${() => chooser.current?.click()}>${words.choose}</button>
      <input
        ref=${chooser}
        type="file"
        multiple
        hidden
        accept=".csv,text/csv"
        aria-label=${words.choose}
        onChange=${() => take(chooser.current?.files ?? [])}
      />
      <p class="soft fine">${words.order}</p>
    </div>
    <div class="row">
      <label class="check">
        <input type="checkbox" checked=${dryRun} onChange=${() => setDryRun(!dryRun)} /> ${words.dry}
      </label>
      <label class="check">
        <input type="checkbox" checked=${strict} onChange=${() => setStrict(!strict)} /> ${words.strict}
      </label>
    </div>
    ${
      uploads.length > 0 &&
      html`<${Uploads} uploads=${uploads} />
        <div>
          <button type="button" class="primary large" aria-disabled=${act.isRunning} onClick=${run}>
            ${act.isRunning ? words.running : words.go}
          </button>
        </div>`
    }
    <${Failure} problem=${act.problem} known=${problems} />
    ${uploads.map((upload) => upload.faults.length > 0 && html`<${Faults} key=${upload.file.name} upload=${upload} />`)}
  </div>`;
}

/** A file that fails as a whole does not keep the others from being read. */
async function runOne(
  upload: Upload,
  options: { dryRun: boolean; strict: boolean },
  told: (upload: Upload) => void,
): Promise<void> {
  try {
    await importFile(upload, options, told);
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'unauthorized') throw error;
    told({ ...upload, problem: error });
  }
}

function Uploads({ uploads }: { uploads: Upload[] }): VNode {
  const { import: words, problems } = useWords();
  const language = useLanguage();
  const count = (value: number | undefined) => (value === undefined ? '' : formatCount(value, language));
  return html`<div class="table card" tabindex="0" role="region" aria-label=${words.title}>
    <table>
      <thead>
        <tr>
          <th>${words.file}</th><th>${words.form}</th><th>${words.rows}</th><th>${words.written}</th>
          <th>${words.unchanged}</th><th>${words.refused}</th>
        </tr>
      </thead>
      <tbody>
        ${uploads.map(
          ({ file, form, rows, counts, problem }) =>
            html`<tr key=${file.name}>
              <td>${file.name}<${Failure} problem=${problem} known=${problems} /></td>
              <td>${form ? (words.forms[form] ?? form) : html`<span class="badge bad">${words.unknown}</span>`}</td>
              <td>
                ${count(rows)}
                ${
                  counts &&
                  counts.lines < rows &&
                  html`<progress aria-label=${file.name} max=${rows} value=${counts.lines}></progress>`
                }
              </td>
              <td>${count(counts?.written)}</td>
              <td>${count(counts?.unchanged)}</td>
              <td>
                ${counts && counts.refused > 0 ? html`<span class="badge bad">${count(counts.refused)}</span>` : count(counts?.refused)}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Faults({ upload }: { upload: Upload }): VNode {
  const { import: words } = useWords();
  const { file, faults } = upload;
  const title = `${file.name}: ${words.bad(new Set(faults.map(({ line }) => line)).size)}`;
  const save = async () => download(`bad-${file.name}`, 'text/csv', await badRows(upload));
  return html`<section class="card stack">
    <div class="row spread">
      <h2>${title}</h2>
      <button type="button" onClick=${save}>${words.download}</button>
    </div>
    <div class="table narrow" tabindex="0" role="region" aria-label=${title}>
      <table>
        <thead><tr><th>${words.line}</th><th>${words.field}</th><th>${words.reason}</th></tr></thead>
        <tbody>
          ${faults
            .slice(0, SHOWN_FAULTS)
            .map(
              ({ line, field, reason }) =>
                html`<tr><td>${line}</td><td>${field}</td><td lang="en">${reason}</td></tr>`,
            )}
        </tbody>
      </table>
    </div>
    ${faults.length > SHOWN_FAULTS && html`<p class="soft">${words.moreBad(faults.length - SHOWN_FAULTS)}</p>`}
  </section>`;
}
