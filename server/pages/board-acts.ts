import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask, Problem } from '../../replication/pages/ask.ts';
import { Dialog } from '../../replication/pages/dialog.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import type { BoardCenter, BoardTest } from '../board/schemas.ts';
import { useWords } from './words.ts';

/** Adds a center; its secret is shown this once. */
export function AddCenter({ onClose }: { onClose(): void }): VNode {
  const { addCenter: words, cancel, problems } = useWords();
  const [centerId, setCenterId] = useState('');
  const [name, setName] = useState('');
  const [secret, setSecret] = useState<string | undefined>();
  const act = useAct();
  if (secret !== undefined)
    return html`<${Secret} centerId=${centerId} secret=${secret} onClose=${onClose} />`;
  const add = (event: Event) => {
    event.preventDefault();
    const body = { centerId: centerId.trim(), ...(name.trim() && { name: name.trim() }) };
    void act.run(async () =>
      setSecret((await ask<{ secret: string }>('POST', '/api/centers', { body })).secret),
    );
  };
  return html`<${Dialog} title=${words.title} onClose=${onClose}>
    <form class="stack" onSubmit=${add}>
      <label class="field">
        <span>${words.id}</span>
        <input required value=${centerId} onInput=${(event: Event) => setCenterId(textOf(event))} />
      </label>
      <label class="field">
        <span>${words.name}</span>
        <input value=${name} onInput=${(event: Event) => setName(textOf(event))} />
      </label>
      <${Failure} problem=${act.problem} known=${problems} />
      <div class="row">
        <button type="button" onClick=${onClose}>${cancel}</button>
        <button class="primary" aria-disabled=${act.isRunning}>${words.add}</button>
      </div>
    </form>
  <//>`;
}

export function Secret({
  centerId,
  secret,
  onClose,
}: {
  centerId: string;
  secret: string;
  onClose(): void;
}): VNode {
  const { secret: words } = useWords();
  return html`<${Dialog} title=${words.title(centerId)} onClose=${onClose}>
    <p><code class="secret">${secret}</code></p>
    <p class="notice wait">${words.once}</p>
    <div><button type="button" class="primary" onClick=${onClose}>${words.done}</button></div>
  <//>`;
}

interface Outcome {
  done: number;
  changed: number;
  of: number;
  failed: string[];
}

/** Assigns a test to many centers at once, or withdraws it; those that are shown are filled in. */
export function AssignTest({
  tests,
  centers,
  onClose,
}: {
  tests: BoardTest[];
  centers: BoardCenter[];
  onClose(): void;
}): VNode {
  const { assign: words, cancel, close } = useWords();
  const [testId, setTestId] = useState(tests[0]?.testId ?? '');
  const [listed, setListed] = useState(() => centers.map(({ centerId }) => centerId).join('\n'));
  const [outcome, setOutcome] = useState<Outcome | undefined>();
  const [isAsked, setAsked] = useState(false);
  const act = useAct();
  const ids = [...new Set(listed.split(/[\s,;]+/).filter(Boolean))];
  const send = (method: 'PUT' | 'DELETE') => {
    setAsked(false);
    if (testId === '' || ids.length === 0) return;
    void act.run(() => assignAll(method, testId, ids, setOutcome));
  };
  return html`<${Dialog} title=${words.title} onClose=${onClose}>
    <label class="field">
      <span>${words.test}</span>
      <input list="tests" required value=${testId} onInput=${(event: Event) => setTestId(textOf(event))} />
      <datalist id="tests">${tests.map((test) => html`<option value=${test.testId}>${test.title}</option>`)}</datalist>
    </label>
    <label class="field">
      <span>${words.centers}</span>
      <textarea rows="8" value=${listed} onInput=${(event: Event) => setListed(textOf(event))}></textarea>
    </label>
    <div role="status">
      ${
        outcome &&
        html`<progress aria-label=${words.title} max=${outcome.of} value=${outcome.done}></progress>
          <p>
            ${
              outcome.done < outcome.of
                ? words.progress(outcome.done, outcome.of)
                : words.done(outcome.changed, outcome.of)
            }
          </p>
          ${
            outcome.failed.length > 0 &&
            html`<p class="notice bad">${words.failed(outcome.failed.length)} ${outcome.failed.join('; ')}</p>`
          }`
      }
    </div>
    <div class="row">
      <button type="button" onClick=${onClose}>${close}</button>
      <button type="button" class="primary" aria-disabled=${act.isRunning} onClick=${() => send('PUT')}>
        ${words.assign}
      </button>
      <button type="button" class="danger" aria-disabled=${act.isRunning} onClick=${() => setAsked(true)}>
        ${words.withdraw}
      </button>
    </div>
    ${
      isAsked &&
      html`<${Dialog} title=${words.withdrawTitle(testId, ids.length)} onClose=${() => setAsked(false)}>
        <p class="notice bad">${words.withdrawText}</p>
        <div class="row">
          <button type="button" class="large" onClick=${() => setAsked(false)}>${cancel}</button>
          <button type="button" class="danger primary large" onClick=${() => send('DELETE')}>${words.withdrawGo}</button>
        </div>
      <//>`
    }
  <//>`;
}

async function assignAll(
  method: 'PUT' | 'DELETE',
  testId: string,
  centerIds: readonly string[],
  told: (outcome: Outcome) => void,
): Promise<void> {
  const outcome: Outcome = { done: 0, changed: 0, of: centerIds.length, failed: [] };
  told({ ...outcome });
  for (const centerId of centerIds) {
    const path = `/api/tests/${encodeURIComponent(testId)}/centers/${encodeURIComponent(centerId)}`;
    try {
      if ((await ask<{ changed: boolean }>(method, path)).changed) outcome.changed += 1;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      outcome.failed.push(error.message);
    }
    outcome.done += 1;
    told({ ...outcome });
  }
}
