import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { Dialog } from '../../../replication/pages/dialog.ts';
import { html, textOf } from '../../../replication/pages/view.ts';
import type { Candidate, NodeLink } from './node.ts';
import { useWords } from './words.ts';

export function nameOf({ firstName, middleName, lastName, registrationNumber }: Candidate): string {
  return [firstName, middleName, lastName].filter(Boolean).join(' ') || registrationNumber;
}

const DEFAULT_MINUTES = 10;

/** Minutes more, for one candidate or for all of a test who work now. */
export function ExtraTime({
  node,
  candidate,
  testId,
  count,
  onClose,
}: {
  node: NodeLink;
  candidate: Candidate | undefined;
  testId: string | undefined;
  count: number;
  onClose(): void;
}): VNode {
  const { extra, problems } = useWords();
  const [minutes, setMinutes] = useState(DEFAULT_MINUTES);
  const [reason, setReason] = useState('');
  const act = useAct();
  const give = async (event: Event) => {
    event.preventDefault();
    const whom = candidate ? { sessionId: candidate.sessionId } : { testId };
    const body = { minutes, reason, ...whom };
    if (!(await act.run(() => node.ask('POST', '/api/operator/extra-time', { body })))) return;
    void node.refresh();
    onClose();
  };
  const title = extra.title(candidate ? nameOf(candidate) : extra.all(count));
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="stack" onSubmit=${give}>
      <label class="field">
        <span>${extra.minutes}</span>
        <input
          type="number"
          min="1"
          max="1440"
          required
          value=${minutes}
          onInput=${(event: Event) => setMinutes(Number(textOf(event)))}
        />
      </label>
      <label class="field">
        <span>${extra.reason}</span>
        <input
          required
          maxlength="500"
          value=${reason}
          onInput=${(event: Event) => setReason(textOf(event))}
        />
      </label>
      <${Failure} problem=${act.problem} known=${problems} />
      <div class="row">
        <button type="button" class="large" onClick=${onClose}>${extra.cancel}</button>
        <button class="primary large" aria-disabled=${act.isRunning}>${extra.give}</button>
      </div>
    </form>
  <//>`;
}

/** Ends a session for a candidate; large, since it cannot be taken back. */
export function SubmitFor({
  node,
  candidate,
  onClose,
}: {
  node: NodeLink;
  candidate: Candidate;
  onClose(): void;
}): VNode {
  const { submit: words, extra, problems } = useWords();
  const act = useAct();
  const { sessionId = '', answered = 0, questions = 0 } = candidate;
  const submit = async () => {
    const path = `/api/operator/sessions/${encodeURIComponent(sessionId)}/submit`;
    if (!(await act.run(() => node.ask('POST', path)))) return;
    void node.refresh();
    onClose();
  };
  return html`<${Dialog} title=${words.title(nameOf(candidate))} onClose=${onClose}>
    <p class="notice bad">${words.text(answered, questions)}</p>
    <${Failure} problem=${act.problem} known=${problems} />
    <div class="row">
      <button type="button" class="large" onClick=${onClose}>${extra.cancel}</button>
      <button type="button" class="danger primary large" aria-disabled=${act.isRunning} onClick=${submit}>
        ${words.submit}
      </button>
    </div>
  <//>`;
}
