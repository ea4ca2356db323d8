import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from '../../../replication/pages/dialog.ts';
import { html } from '../../../replication/pages/view.ts';
import { Refusal } from './door.ts';
import { Overview, unanswered } from './overview.ts';
import { useWords } from './words.ts';
import type { Work, WorkState } from './work.ts';

/** Before the end: what is not answered, what is flagged, and that it is the end. */
export function Finish({ work, state, onClose }: { work: Work; state: WorkState; onClose(): void }): VNode {
  const { finish } = useWords();
  const [isBusy, setBusy] = useState(false);
  const open = unanswered(state);
  const submit = async () => {
    if (isBusy) return;
    setBusy(true);
    await work.submit();
    setBusy(false);
  };
  return html`<${Dialog} title=${finish.title} onClose=${onClose}>
    ${open.size === 0 && html`<p>${finish.all}</p>`}
    ${
      open.size > 0 &&
      html`<section class="stack tight">
        <p><strong>${finish.unanswered(open.size)}</strong></p>
        <${Overview} work=${work} state=${state} only=${open} onGo=${onClose} />
      </section>`
    }
    ${
      state.flags.size > 0 &&
      html`<section class="stack tight">
        <p>${finish.flagged(state.flags.size)}</p>
        <${Overview} work=${work} state=${state} only=${state.flags} onGo=${onClose} />
      </section>`
    }
    <p class="notice wait">${finish.final}</p>
    <p role="status" class="soft">${isBusy && state.unsaved.size > 0 ? finish.saving : ''}</p>
    <${Refusal} problem=${state.problem} />
    <div class="row">
      <button type="button" class="large" onClick=${onClose}>${finish.back}</button>
      <button type="button" class="primary large" aria-disabled=${isBusy} onClick=${submit}>${finish.submit}</button>
    </div>
  <//>`;
}
