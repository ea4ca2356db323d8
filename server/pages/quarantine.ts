import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { Dialog } from '../../replication/pages/dialog.ts';
import { formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import type { QuarantinedWrite } from '../control/quarantine.ts';
import { useAnswer } from './answer.ts';
import { useWords } from './words.ts';

const STATES: readonly State[] = ['waiting', 'accepted', 'returned'];
const REFRESH_MS = 5000;
type State = QuarantinedWrite['state'];

/** Writes of centers that were refused: accepted or returned, each once. */
export function Quarantine({ centerId }: { centerId: string | undefined }): VNode {
  const { quarantine: words, problems, nothing } = useWords();
  const [state, setState] = useState<State>('waiting');
  const [open, setOpen] = useState<{ entry: QuarantinedWrite; decision: 'accept' | 'return' } | undefined>();
  const query = new URLSearchParams({ state, ...(centerId !== undefined && { center: centerId }) });
  const {
    answer,
    problem,
    ask: again,
  } = useAnswer<{ entries: QuarantinedWrite[] }>(`/api/quarantine?${query}`, REFRESH_MS);
  const close = () => {
    setOpen(undefined);
    void again();
  };
  return html`<div class="stack">
    <h1>${words.title}${centerId && html` <span class="soft">${centerId}</span>`}</h1>
    <div class="row filters">
      ${STATES.map(
        (one) =>
          html`<button type="button" class="small" aria-pressed=${one === state} onClick=${() => setState(one)}>
            ${words.states[one]}
          </button>`,
      )}
    </div>
    <${Failure} problem=${problem} known=${problems} />
    ${answer?.entries.length === 0 && html`<p class="card soft">${nothing}</p>`}
    <ul class="stack">
      ${answer?.entries.map((entry) => html`<${One} key=${entry.key} entry=${entry} onOpen=${setOpen} />`)}
    </ul>
    ${open && html`<${Decide} entry=${open.entry} decision=${open.decision} onClose=${close} />`}
  </div>`;
}

function One({
  entry,
  onOpen,
}: {
  entry: QuarantinedWrite;
  onOpen(open: { entry: QuarantinedWrite; decision: 'accept' | 'return' }): void;
}): VNode {
  const { quarantine: words } = useWords();
  const language = useLanguage();
  const { centerId, id, reason, at, state, note, doc } = entry;
  return html`<li class="card stack tight">
    <div class="row spread">
      <strong>${id}</strong>
      <span class="soft fine">${centerId}, ${formatTime(at, language)}</span>
    </div>
    <p lang="en">${formatReason(reason, language)}</p>
    ${note && html`<p>${words.note}: ${note}</p>`}
    <details>
      <summary>${words.show}</summary>
      <pre tabindex="0">${JSON.stringify(doc, null, 2)}</pre>
    </details>
    ${
      state === 'waiting' &&
      html`<div class="row">
        <button type="button" onClick=${() => onOpen({ entry, decision: 'accept' })}>${words.accept}</button>
        <button type="button" onClick=${() => onOpen({ entry, decision: 'return' })}>${words.return}</button>
      </div>`
    }
  </li>`;
}

function Decide({
  entry,
  decision,
  onClose,
}: {
  entry: QuarantinedWrite;
  decision: 'accept' | 'return';
  onClose(): void;
}): VNode {
  const { quarantine: words, cancel, problems } = useWords();
  const [note, setNote] = useState('');
  const act = useAct();
  const isAccept = decision === 'accept';
  const decide = async (event: Event) => {
    event.preventDefault();
    const body = { key: entry.key, decision, ...(note.trim() && { note: note.trim() }) };
    if (await act.run(() => ask('POST', '/api/quarantine/decide', { body }))) onClose();
  };
  return html`<${Dialog} title=${isAccept ? words.acceptTitle : words.returnTitle} onClose=${onClose}>
    <form class="stack" onSubmit=${decide}>
      <p>${entry.id}</p>
      ${!isAccept && html`<p class="notice wait">${words.returnText}</p>`}
      <label class="field">
        <span>${words.note}</span>
        <input maxlength="2000" required=${!isAccept} value=${note} onInput=${(event: Event) => setNote(textOf(event))} />
      </label>
      <${Failure} problem=${act.problem} known=${problems} />
      <div class="row">
        <button type="button" class="large" onClick=${onClose}>${cancel}</button>
        <button class="primary large" aria-disabled=${act.isRunning}>
          ${isAccept ? words.acceptGo : words.returnGo}
        </button>
      </div>
    </form>
  <//>`;
}
