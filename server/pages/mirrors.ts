import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { Dialog } from '../../replication/pages/dialog.ts';
import { formatCount, formatReason, formatSpan } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import { useAnswer } from './answer.ts';
import { Ingest } from './ingest.ts';
import { useWords } from './words.ts';

interface Mirror {
  name: string;
  state: 'following' | 'waiting' | 'down';
  behindDocuments: number | null;
  behindSeconds: number;
  mirrored: number;
  error: string | null;
}

const LOOKS = { following: 'good', waiting: 'wait', down: 'bad' } as const;
const NAMES: Record<string, string> = { mongo: 'MongoDB', redis: 'Redis' };
const REFRESH_MS = 5000;
const LONG_MS = 30 * 60_000;

/** Where the mirrors stand, and the ingest. */
export function Mirrors(): VNode {
  const { mirrors: words, problems } = useWords();
  const { answer, problem } = useAnswer<{ mirrors: Mirror[] }>('/api/mirrors', REFRESH_MS);
  return html`<div class="stack">
    <h1>${words.title}</h1>
    <${Failure} problem=${problem} known=${problems} />
    ${answer?.mirrors.length === 0 && html`<p class="card soft">${words.none}</p>`}
    ${answer?.mirrors.map((mirror) => html`<${One} key=${mirror.name} mirror=${mirror} />`)}
    <${Ingest} />
  </div>`;
}

function One({ mirror }: { mirror: Mirror }): VNode {
  const { mirrors: words, problems, cancel } = useWords();
  const language = useLanguage();
  const [isOpen, setOpen] = useState(false);
  const [verified, setVerified] = useState<{ equal: boolean; differences: unknown[] } | undefined>();
  const act = useAct();
  const { name, state, behindDocuments, behindSeconds, mirrored, error } = mirror;
  const documents = behindDocuments === null ? undefined : formatCount(behindDocuments, language);
  const path = `/api/mirrors/${name}`;
  const verify = () =>
    act.run(async () => setVerified(await ask('POST', `${path}/verify`, { patienceMs: LONG_MS })));
  const rebuild = async () => {
    setOpen(false);
    await act.run(() => ask('POST', `${path}/rebuild`, { patienceMs: LONG_MS }));
  };
  return html`<section class="card stack">
    <div class="row spread">
      <h2>${NAMES[name] ?? name} <span class="badge ${LOOKS[state]}">${words.states[state]}</span></h2>
      <div class="row">
        <button type="button" aria-disabled=${act.isRunning} onClick=${verify}>${words.verify}</button>
        <button type="button" aria-disabled=${act.isRunning} onClick=${() => setOpen(true)}>${words.rebuild}</button>
      </div>
    </div>
    <dl class="facts">
      <dt>${words.behind}</dt>
      <dd>${behindSeconds === 0 && behindDocuments === 0 ? words.nothing : words.lag(documents, formatSpan(behindSeconds * 1000, language))}</dd>
      <dt>${words.mirrored}</dt><dd>${formatCount(mirrored, language)}</dd>
    </dl>
    ${error && html`<p class="notice bad" lang="en">${formatReason(error, language)}</p>`}
    <p role="status">
      ${verified && (verified.equal ? words.equal : words.differences(verified.differences.length))}
    </p>
    <${Failure} problem=${act.problem} known=${problems} />
    ${
      isOpen &&
      html`<${Dialog} title=${words.rebuild} onClose=${() => setOpen(false)}>
        <p class="notice wait">${words.rebuildText}</p>
        <div class="row">
          <button type="button" class="large" onClick=${() => setOpen(false)}>${cancel}</button>
          <button type="button" class="primary large" onClick=${rebuild}>${words.rebuildGo}</button>
        </div>
      <//>`
    }
  </section>`;
}
