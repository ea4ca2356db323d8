import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { Dialog } from '../../../replication/pages/dialog.ts';
import { formatTime } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { html, textOf } from '../../../replication/pages/view.ts';
import type { NodeLink, NodeView } from './node.ts';
import { ChangePin } from './pin.ts';
import { useWords } from './words.ts';

/** The node's clock and the operator's PIN. */
export function Settings({ node, view }: { node: NodeLink; view: NodeView }): VNode {
  const { clock, pin } = useWords();
  const language = useLanguage();
  const [isOpen, setOpen] = useState(false);
  const now = view.tests?.now;
  return html`<section class="card stack tight">
    <h2>${clock.title}</h2>
    <div class="row">
      <span>${clock.now} <strong class="number">${now && formatTime(now, language)}</strong></span>
      ${
        view.isUnlocked &&
        html`<button type="button" class="small" onClick=${() => setOpen(true)}>${clock.set}</button>`
      }
    </div>
    ${
      view.isUnlocked &&
      html`<h2>${pin.title}</h2>
        <div class="row">
          <${ChangePin} node=${node} />
          <button type="button" class="small" onClick=${node.lock}>${pin.lock}</button>
        </div>`
    }
    ${isOpen && html`<${SetClock} node=${node} onClose=${() => setOpen(false)} />`}
  </section>`;
}

function SetClock({ node, onClose }: { node: NodeLink; onClose(): void }): VNode {
  const { clock, extra, problems } = useWords();
  const [entered, setEntered] = useState('');
  const act = useAct();
  const save = async (event: Event) => {
    event.preventDefault();
    const body = { now: new Date(entered).toISOString() };
    if (!(await act.run(() => node.ask('PUT', '/api/operator/clock', { body })))) return;
    void node.refresh();
    onClose();
  };
  return html`<${Dialog} title=${clock.setTitle} onClose=${onClose}>
    <form class="stack" onSubmit=${save}>
      <p class="soft">${clock.hint}</p>
      <label class="field">
        <span>${clock.label}</span>
        <input
          type="datetime-local"
          step="1"
          required
          value=${entered}
          onInput=${(event: Event) => setEntered(textOf(event))}
        />
      </label>
      <${Failure} problem=${act.problem} known=${problems} />
      <div class="row">
        <button type="button" onClick=${onClose}>${extra.cancel}</button>
        <button class="primary">${clock.save}</button>
      </div>
    </form>
  <//>`;
}
