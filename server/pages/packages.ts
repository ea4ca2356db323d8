import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { FROM_A_PAGE, Problem, UNANSWERED } from '../../replication/pages/ask.ts';
import { formatCount } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { useStore } from '../../replication/pages/store.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import type { BoardLink } from './board-link.ts';
import { download } from './download.ts';
import { useWords } from './words.ts';

const MEDIA_TYPE = 'application/vnd.cbt.package';
const REPORT = 'cbt-package-report';

/** What the server tells of a package that it took in. */
interface Report {
  written: number;
  refused: number;
}

/** Packages for centers without a line, and what comes back from there. */
export function Packages({ board }: { board: BoardLink }): VNode {
  const { packages: words, problems } = useWords();
  const language = useLanguage();
  const { centers } = useStore(board);
  const chooser = useRef<HTMLInputElement>(null);
  const [centerId, setCenterId] = useState('');
  const [isAll, setAll] = useState(false);
  const [report, setReport] = useState<Report | undefined>();
  const act = useAct();
  const make = (event: Event) => {
    event.preventDefault();
    const body = JSON.stringify(isAll ? { kind: 'snapshot', since: 'zero' } : {});
    void act.run(() => fetchFile('download', centerId, body, 'application/json'));
  };
  const upload = () => {
    const file = chooser.current?.files?.[0];
    if (!file) return;
    setReport(undefined);
    void act.run(async () => setReport(await fetchFile('upload', centerId, file, MEDIA_TYPE)));
    if (chooser.current) chooser.current.value = '';
  };
  return html`<div class="stack">
    <h1>${words.title}</h1>
    <p class="soft">${words.hint}</p>
    <form class="card stack" onSubmit=${make}>
      <label class="field">
        <span>${words.center}</span>
        <input list="centers" required value=${centerId} onInput=${(event: Event) => setCenterId(textOf(event))} />
      </label>
      <datalist id="centers">
        ${[...centers.values()].map(({ centerId: id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
      </datalist>
      <label class="check">
        <input type="checkbox" checked=${isAll} onChange=${() => setAll(!isAll)} /> ${words.all}
      </label>
      <div class="row">
        <button class="primary" aria-disabled=${act.isRunning}>${words.make}</button>
        <button type="button" disabled=${centerId === ''} onClick=${() => chooser.current?.click()}>
          ${act.isRunning ? words.running : words.upload}
        </button>
        <input ref=${chooser} type="file" hidden aria-label=${words.upload} onChange=${upload} />
      </div>
      <p role="status">${report && words.uploaded(formatCount(report.written, language), formatCount(report.refused, language))}</p>
      <${Failure} problem=${act.problem} known=${problems} />
    </form>
  </div>`;
}

/** Asks for a file and hands it to the browser's downloads. @returns what the server reports of it. */
async function fetchFile(
  what: 'download' | 'upload',
  centerId: string,
  body: BodyInit,
  type: string,
): Promise<Report | undefined> {
  const path = `/sync/${what}/${encodeURIComponent(centerId)}`;
  const headers = { ...FROM_A_PAGE, 'content-type': type };
  const response = await fetch(path, { method: 'POST', headers, body }).catch((error: Error) => {
    throw new Problem(UNANSWERED, error.message);
  });
  if (!response.ok) {
    const answer = (await response.json().catch(() => ({}))) as { error?: string; reason?: string };
    throw new Problem(answer.error ?? UNANSWERED, answer.reason ?? response.statusText);
  }
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  download(name ?? `${centerId}.package`, MEDIA_TYPE, await response.blob());
  const report = response.headers.get(REPORT);
  return report === null ? undefined : (JSON.parse(report) as Report);
}
