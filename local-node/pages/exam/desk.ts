import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { UNANSWERED } from '../../../replication/pages/ask.ts';
import { Dialog } from '../../../replication/pages/dialog.ts';
import { LanguageSwitch } from '../../../replication/pages/language.ts';
import { html } from '../../../replication/pages/view.ts';
import { Calculator } from './calculator.ts';
import { Clock } from './clock.ts';
import { Finish } from './finish.ts';
import { Overview, unanswered } from './overview.ts';
import { letterOf, QuestionCard, useKeys } from './question.ts';
import { useWords } from './words.ts';
import type { Work, WorkState } from './work.ts';

/** Where a candidate works: one question, all others at a glance, the time, and whether everything is saved. */
export function Desk({ work, state }: { work: Work; state: WorkState }): VNode {
  const words = useWords();
  const [open, setOpen] = useState<'finish' | 'overview' | undefined>();
  const [hasKeys, setKeys] = useState(true);
  const questions = state.view?.questions ?? [];
  const question = questions[state.at];
  useKeys(work, hasKeys);
  useEffect(() => {
    // A new question is read out, and the keys for moving on stay where they were.
    if (document.activeElement === document.body) document.getElementById('number')?.focus();
  }, [state.at]);
  const close = () => setOpen(undefined);
  const answered = questions.length - unanswered(state).size;
  return html`<div class="desk">
    <a class="skip" href="#number">${words.work.skip}</a>
    <${Head} work=${work} state=${state} />
    <${Trouble} state=${state} />
    <main class="stack">
      ${question && html`<${QuestionCard} work=${work} state=${state} question=${question} />`}
      <label class="check soft fine keys-switch">
        <input type="checkbox" checked=${hasKeys} onChange=${() => setKeys(!hasKeys)} />
        ${words.work.keys(letterOf((question?.options.length ?? 1) - 1))}
      </label>
    </main>
    <aside class="stack">
      <section class="card stack tight">
        <h2>${words.work.overview}</h2>
        <p class="soft fine">${words.work.answered(answered, questions.length)}</p>
        <${Overview} work=${work} state=${state} />
      </section>
      ${state.view?.test?.calculator && html`<${Calculator} />`}
      <div class="end"><${LanguageSwitch} /></div>
    </aside>
    <${Foot} work=${work} state=${state} onOpen=${setOpen} />
    ${open === 'finish' && html`<${Finish} work=${work} state=${state} onClose=${close} />`}
    ${
      open === 'overview' &&
      html`<${Dialog} title=${words.work.overview} onClose=${close}>
        <p class="soft">${words.work.answered(answered, questions.length)}</p>
        <${Overview} work=${work} state=${state} onGo=${close} />
        <div><button type="button" onClick=${close}>${words.finish.back}</button></div>
      <//>`
    }
  </div>`;
}

function Head({ work, state }: { work: Work; state: WorkState }): VNode {
  const { candidate, test, registrationNumber } = state.view ?? {};
  const name = [candidate?.firstName, candidate?.lastName].filter(Boolean).join(' ');
  return html`<header class="head">
    <div class="titles">
      <h1>${test?.title}</h1>
      <p class="soft fine">${name || registrationNumber}</p>
    </div>
    <${SaveState} state=${state} />
    <${Clock} work=${work} state=${state} />
  </header>`;
}

/** `Saved` stands here when the node has acknowledged every answer, and at no other time. */
function SaveState({ state }: { state: WorkState }): VNode {
  const { saving } = useWords();
  const count = state.unsaved.size;
  const hasAny = Object.keys(state.answers).length > 0;
  const [look, text] =
    count === 0
      ? ['good', `✓ ${saving.saved}`]
      : state.trouble
        ? ['wait', saving.notSaved]
        : ['plain', saving.saving];
  return html`<p class="save-state" role="status">
    ${hasAny && html`<span class="badge ${look}">${text}</span>`}
  </p>`;
}

function Trouble({ state }: { state: WorkState }): VNode {
  const { saving } = useWords();
  const { trouble, unsaved } = state;
  const what = trouble?.code === UNANSWERED || trouble?.code === 'not_ready' ? saving.down : saving.refused;
  return html`<div class="trouble" role="alert">
    ${trouble && html`<p class="notice wait">${what}${saving.kept(unsaved.size)}</p>`}
  </div>`;
}

function Foot({
  work,
  state,
  onOpen,
}: {
  work: Work;
  state: WorkState;
  onOpen(what: 'finish' | 'overview'): void;
}): VNode {
  const { work: words } = useWords();
  const questions = state.view?.questions ?? [];
  const questionId = questions[state.at]?.questionId ?? '';
  const isFlagged = state.flags.has(questionId);
  return html`<nav class="foot" aria-label=${words.overview}>
    <button type="button" class="large" aria-disabled=${state.at === 0} onClick=${() => work.go(state.at - 1)}>
      ${words.previous}
    </button>
    <button type="button" class="large flag" aria-pressed=${isFlagged} onClick=${() => work.flag(questionId)}>
      <span aria-hidden="true">⚑</span> ${isFlagged ? words.flagged : words.flag}
    </button>
    <button
      type="button"
      class="large primary"
      aria-disabled=${state.at === questions.length - 1}
      onClick=${() => work.go(state.at + 1)}
    >
      ${words.next}
    </button>
    <span class="gap"></span>
    <button type="button" class="large narrow" onClick=${() => onOpen('overview')}>${words.overview}</button>
    <button type="button" class="large" onClick=${() => onOpen('finish')}>${words.finish}</button>
  </nav>`;
}
