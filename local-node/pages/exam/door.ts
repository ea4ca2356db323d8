import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../../replication/pages/ask.ts';
import { formatReason } from '../../../replication/pages/format.ts';
import { LanguageSwitch, useLanguage } from '../../../replication/pages/language.ts';
import { type Children, html, textOf } from '../../../replication/pages/view.ts';
import { useWords } from './words.ts';
import type { Work, WorkState } from './work.ts';

/** What a candidate sees before the exam: one thing at a time, in the middle of the screen. */
export function Sheet({ title, children }: { title: string; children: Children }): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever listens hears what the new screen is.
  useEffect(() => heading.current?.focus(), [title]);
  return html`<div class="sheet">
    <header class="row spread"><span class="soft">CBT Sync</span><${LanguageSwitch} /></header>
    <main class="card stack">
      <h1 ref=${heading} tabindex="-1">${title}</h1>
      ${children}
    </main>
  </div>`;
}

/** Why a step was not done, in words for the candidate, and below them the API's for the supervisor. */
export function Refusal({ problem, isMoved }: { problem: Problem | undefined; isMoved?: boolean }): VNode {
  const words = useWords();
  const language = useLanguage();
  return html`<div role="alert">
    ${
      problem &&
      html`<div class="notice ${isMoved ? 'wait' : 'bad'} stack tight">
        <p><strong>${isMoved ? words.moved : (words.problems[problem.code] ?? words.problems.other)}</strong></p>
        ${
          !isMoved &&
          problem.code !== 'not_found' &&
          html`<p class="fine">${words.detail} <span lang="en">${formatReason(problem.message, language)}</span></p>`
        }
      </div>`
    }
  </div>`;
}

export function CodeScreen({ work, state }: { work: Work; state: WorkState }): VNode {
  const { code } = useWords();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const [entered, setEntered] = useState('');
  const [isBusy, setBusy] = useState(false);
  const check = async (event: Event) => {
    event.preventDefault();
    if (entered.trim() === '' || isBusy) return;
    setBusy(true);
    await work.check(entered.trim());
    setBusy(false);
  };
  const isMoved = state.view !== undefined && state.problem?.code === 'not_found';
  return html`<${Sheet} title=${code.title}>
    <form class="stack" onSubmit=${check}>
      <p class="soft" id="hint">${code.hint}</p>
      <label class="field">
        <span>${code.label}</span>
        <input
          ref=${field}
          class="code"
          value=${entered}
          onInput=${(event: InputEvent) => setEntered(textOf(event))}
          autocomplete="off"
          autocapitalize="characters"
          spellcheck=${false}
          maxlength="64"
          aria-describedby="hint"
          required
        />
      </label>
      <${Refusal} problem=${state.problem} isMoved=${isMoved} />
      <button class="primary large" aria-disabled=${isBusy}>${code.next}</button>
    </form>
  <//>`;
}

export function ConfirmScreen({ work, state }: { work: Work; state: WorkState }): VNode | null {
  const { confirm } = useWords();
  const [isBusy, setBusy] = useState(false);
  const { admission } = state;
  if (!admission) return null;
  const { candidate, registrationNumber, test, isRunning } = admission;
  const { firstName, middleName, lastName, seat } = candidate;
  const begin = async () => {
    if (isBusy) return;
    setBusy(true);
    await work.begin();
    setBusy(false);
  };
  return html`<${Sheet} title=${confirm.title}>
    <p class="who">${[firstName, middleName, lastName].filter(Boolean).join(' ') || registrationNumber}</p>
    <dl class="facts">
      <dt>${confirm.number}</dt><dd>${registrationNumber}</dd>
      ${seat !== undefined && html`<dt>${confirm.seat}</dt><dd>${seat}</dd>`}
      <dt>${confirm.test}</dt><dd>${test.title}</dd>
      <dt>${confirm.time}</dt>
      <dd>${confirm.minutes(test.durationMinutes)}, ${confirm.questions(test.questionCount)}</dd>
    </dl>
    <section class="stack tight">
      <h2>${confirm.instructions}</h2>
      ${test.instructions && html`<p class="written" dir="auto">${test.instructions}</p>`}
      <ul class="hints">${confirm.hints.map((hint) => html`<li>${hint}</li>`)}</ul>
      <p><strong>${isRunning ? confirm.running : confirm.starts}</strong></p>
    </section>
    <${Refusal} problem=${state.problem} />
    <div class="row">
      <button type="button" class="primary large" aria-disabled=${isBusy} onClick=${begin}>
        ${isRunning ? confirm.goOn : confirm.begin}
      </button>
      <button type="button" class="large" onClick=${work.leave}>${confirm.notMe}</button>
    </div>
  <//>`;
}

export function EndScreen({ work, state }: { work: Work; state: WorkState }): VNode {
  const { ended } = useWords();
  const language = useLanguage();
  const { view, unsaved } = state;
  const why = { time: ended.byTime, operator: ended.byOperator, candidate: undefined }[
    view?.submittedBy ?? 'candidate'
  ];
  return html`<${Sheet} title=${ended.title}>
    <div class="notice good stack tight" role="status">
      ${why && html`<p>${why}</p>`}
      ${view?.submittedAt && html`<p>${ended.at} <time>${formatReason(view.submittedAt, language)}</time></p>`}
    </div>
    ${unsaved.size > 0 && html`<p class="notice bad" role="alert">${ended.lost(unsaved.size)}</p>`}
    <p>${ended.leave}</p>
    <div><button type="button" onClick=${work.leave}>${ended.next}</button></div>
  <//>`;
}
