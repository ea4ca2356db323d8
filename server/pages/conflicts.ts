import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import type { conflictAnswer, done, listAnswer } from '../control/conflicts/schemas.ts';
import { useAnswer } from './answer.ts';
import { Conflict } from './conflict.ts';
import { useWords } from './words.ts';

export type ConflictAnswer = z.infer<typeof conflictAnswer>;
type Waiting = z.infer<typeof listAnswer>;
type Done = z.infer<typeof done>;

const REFRESH_MS = 10_000;

/** Conflicts that wait for a person; one at a time is decided, and can be undone. */
export function Conflicts({ id, centerId }: { id: string | undefined; centerId: string | undefined }): VNode {
  const { conflicts: words, problems } = useWords();
  const query = centerId === undefined ? '' : `?center=${encodeURIComponent(centerId)}`;
  const { answer, problem, ask: again } = useAnswer<Waiting>(`/api/conflicts${query}`, REFRESH_MS);
  const [last, setLast] = useState<Done | undefined>();
  const decided = (outcome: Done) => {
    setLast(outcome);
    location.hash = '#/conflicts';
    void again();
  };
  return html`<div class="stack">
    <h1>${words.title}</h1>
    ${last && html`<${Decided} key=${last.audit} done=${last} onUndo=${again} />`}
    <${Failure} problem=${problem} known=${problems} />
    ${id !== undefined ? html`<${OneConflict} key=${id} id=${id} onDone=${decided} />` : html`<${List} answer=${answer} />`}
  </div>`;
}

function List({ answer }: { answer: Waiting | undefined }): VNode | null {
  const { conflicts: words, types } = useWords();
  const language = useLanguage();
  if (!answer) return null;
  if (answer.conflicts.length === 0) return html`<p class="card soft">${words.none}</p>`;
  return html`<div class="table card" tabindex="0" role="region" aria-label=${words.title}>
    <table>
      <thead>
        <tr><th>${words.document}</th><th>${words.type}</th><th>${words.reason}</th><th>${words.since}</th></tr>
      </thead>
      <tbody>
        ${answer.conflicts.map(
          ({ id, type, reason, since }) =>
            html`<tr key=${id}>
              <td><a href=${`#/conflicts/${encodeURIComponent(id)}`}>${id}</a></td>
              <td>${types[type]?.[0] ?? type}</td>
              <td lang="en">${formatReason(reason, language)}</td>
              <td>${formatTime(since, language)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function OneConflict({ id, onDone }: { id: string; onDone(done: Done): void }): VNode {
  const { conflicts: words, problems, refresh } = useWords();
  const path = `/api/conflicts/${encodeURIComponent(id)}`;
  // Not again by itself: the sides are not to change under a person's hands. The server says when they have.
  const { answer, problem, ask: again } = useAnswer<ConflictAnswer>(path);
  const act = useAct();
  const decide = (decision: object) =>
    act.run(async () =>
      onDone(await ask<Done>('POST', path, { body: { ...decision, leaves: answer?.leaves } })),
    );
  const isChanged = act.problem?.code === 'conflict';
  return html`<div class="stack">
    <${Failure} problem=${problem} known=${problems} />
    <${Failure} problem=${act.problem} known=${{ ...problems, conflict: words.changed }} />
    ${isChanged && html`<div><button type="button" onClick=${again}>${refresh}</button></div>`}
    ${answer && html`<${Conflict} key=${answer.leaves.join()} conflict=${answer} isBusy=${act.isRunning} onDecide=${decide} />`}
  </div>`;
}

function Decided({ done: outcome, onUndo }: { done: Done; onUndo(): void }): VNode {
  const { conflicts: words, problems } = useWords();
  const [isUndone, setUndone] = useState(false);
  const act = useAct();
  const undo = async () => {
    if (!(await act.run(() => ask('POST', `/api/conflicts/undo/${outcome.audit}`)))) return;
    setUndone(true);
    onUndo();
  };
  return html`<div class="notice good row spread" role="status">
    <span>${isUndone ? words.undone : words.decided(outcome.id)}</span>
    ${!isUndone && html`<button type="button" class="small" onClick=${undo}>${words.undo}</button>`}
    <${Failure} problem=${act.problem} known=${problems} />
  </div>`;
}
