import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { readPaths } from '../../../replication/pages/api-paths.ts';
import { askLines } from '../../../replication/pages/ask-lines.ts';
import { formatCount } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { html } from '../../../replication/pages/view.ts';
import { useWords } from './words.ts';

interface Progress {
  revisions: number;
  total: number | null;
}

interface ImportLine {
  progress?: Progress;
  report?: { written: number; repeated: boolean };
}

const PACKAGES = '/api/packages';
const RESULTS = '/api/packages/results';

/** Packages that travel on a stick where there is no line; shown where the node takes them. */
export function Packages({ underWay }: { underWay: Progress | null }): VNode | null {
  const { packages: words, problems } = useWords();
  const language = useLanguage();
  const file = useRef<HTMLInputElement>(null);
  const act = useAct();
  const [isThere, setThere] = useState(false);
  const [line, setLine] = useState<ImportLine | undefined>();
  useEffect(() => {
    readPaths().then(
      (paths) => setThere(paths.has(PACKAGES)),
      () => {},
    );
  }, []);
  if (!isThere) return null;
  const bring = () => {
    const chosen = file.current?.files?.[0];
    if (!chosen) return;
    setLine(undefined);
    void act.run(() =>
      askLines<ImportLine>(PACKAGES, chosen, { type: 'application/octet-stream', heard: setLine }),
    );
    if (file.current) file.current.value = '';
  };
  const { report, progress = underWay } = line ?? {};
  // An import goes on when the page that began it is closed.
  const isRunning = act.isRunning || underWay !== null;
  return html`<section class="card stack tight">
    <h2>${words.title}</h2>
    <p class="soft">${words.hint}</p>
    <div class="row">
      <button type="button" aria-disabled=${isRunning} onClick=${() => file.current?.click()}>
        ${isRunning ? words.importing : words.import}
      </button>
      <input ref=${file} type="file" hidden aria-label=${words.import} onChange=${bring} />
      <a class="button" href=${RESULTS} download>${words.make}</a>
    </div>
    ${
      isRunning &&
      html`<progress aria-label=${words.importing} max=${progress?.total ?? undefined} value=${progress?.revisions}></progress>`
    }
    <p role="status">
      ${report && (report.repeated ? words.repeated : words.imported(formatCount(report.written, language)))}
    </p>
    <${Failure} problem=${act.problem} known=${problems} />
  </section>`;
}
