import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { Dialog } from '../../../replication/pages/dialog.ts';
import { html, textOf } from '../../../replication/pages/view.ts';
import type { NodeLink, NodeView } from './node.ts';
import { useWords } from './words.ts';

/** Asks for the PIN, where something needs it. */
export function Unlock({ node, view }: { node: NodeLink; view: NodeView }): VNode {
  const { pin, sitting, problems } = useWords();
  const [entered, setEntered] = useState('');
  const act = useAct();
  if (!view.status?.hasPin) return html`<p class="notice wait">${pin.missing}</p>`;
  const unlock = async (event: Event) => {
    event.preventDefault();
    await act.run(() => node.unlock(entered));
  };
  return html`<form class="stack tight" onSubmit=${unlock}>
    <p class="soft">${sitting.locked}</p>
    <div class="row">
      <label class="field">
        <span class="unseen">${pin.title}</span>
        <input
          type="password"
          inputmode="numeric"
          autocomplete="off"
          required
          placeholder=${pin.label}
          value=${entered}
          onInput=${(event: Event) => setEntered(textOf(event))}
        />
      </label>
      <button class="primary" aria-disabled=${act.isRunning}>${pin.unlock}</button>
    </div>
    <${Failure} problem=${act.problem} known=${problems} />
  </form>`;
}

export function ChangePin({ node }: { node: NodeLink }): VNode {
  const { pin, extra, problems } = useWords();
  const [isOpen, setOpen] = useState(false);
  const [entered, setEntered] = useState('');
  const [isDone, setDone] = useState(false);
  const act = useAct();
  const save = async (event: Event) => {
    event.preventDefault();
    if (!(await act.run(() => node.ask('PUT', '/api/operator/pin', { body: { pin: entered } })))) return;
    await node.unlock(entered);
    setEntered('');
    setOpen(false);
    setDone(true);
  };
  return html`<div class="row">
    <button type="button" class="small" onClick=${() => setOpen(true)}>${pin.change}</button>
    <span role="status">${isDone ? pin.changed : ''}</span>
    ${
      isOpen &&
      html`<${Dialog} title=${pin.title} onClose=${() => setOpen(false)}>
        <form class="stack" onSubmit=${save}>
          <label class="field">
            <span>${pin.new}</span>
            <input
              type="password"
              inputmode="numeric"
              autocomplete="off"
              required
              value=${entered}
              onInput=${(event: Event) => setEntered(textOf(event))}
            />
          </label>
          <${Failure} problem=${act.problem} known=${problems} />
          <div class="row">
            <button type="button" onClick=${() => setOpen(false)}>${extra.cancel}</button>
            <button class="primary">${pin.save}</button>
          </div>
        </form>
      <//>`
    }
  </div>`;
}
