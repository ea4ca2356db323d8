import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../../../replication/pages/view.ts';
import type { SessionView } from '../../exam/view.ts';
import { useWords } from './words.ts';
import type { Work, WorkState } from './work.ts';

export type Question = NonNullable<SessionView['questions']>[number];

/** The name of a place among the options as they are shown: A, B, C… */
export function letterOf(place: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + place);
}

export function QuestionCard({
  work,
  state,
  question,
}: {
  work: Work;
  state: WorkState;
  question: Question;
}): VNode {
  const words = useWords();
  const { questionId, text, points, options } = question;
  const chosen = state.answers[questionId] ?? null;
  const count = state.view?.questions?.length ?? 0;
  return html`<section class="card question stack" aria-labelledby="number">
    <div class="row spread">
      <h2 id="number" tabindex="-1">${words.work.question(state.at + 1, count)}</h2>
      <span class="soft fine">${words.work.points(points)}</span>
    </div>
    <fieldset>
      <legend class="written" dir="auto">${text}</legend>
      <div class="options">
        ${options.map(
          ({ option, text: shown }, place) =>
            html`<label key=${questionId + option} class="option">
              <input
                type="radio"
                name=${questionId}
                checked=${chosen === option}
                onChange=${() => work.choose(questionId, option)}
              />
              <span class="letter" aria-hidden="true">${letterOf(place)}</span>
              <span class="written" dir="auto">${shown}</span>
            </label>`,
        )}
      </div>
    </fieldset>
    <div>
      <button
        type="button"
        class="link"
        aria-disabled=${chosen === null}
        onClick=${() => work.choose(questionId, null)}
      >
        ${words.work.clear}
      </button>
    </div>
  </section>`;
}

/** Letters choose the option that is shown at their place; PageUp and PageDown turn the pages. */
export function useKeys(work: Work, isOn: boolean): void {
  const letters = useRef(isOn);
  letters.current = isOn;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isTaken = event.ctrlKey || event.altKey || event.metaKey || event.isComposing;
      if (isTaken || document.querySelector('dialog[open]')) return;
      // Not what was shown when the page was drawn last: who types fast has moved on since.
      const { at, view } = work.state;
      if (event.key === 'PageDown' || event.key === 'PageUp') {
        event.preventDefault();
        work.go(at + (event.key === 'PageDown' ? 1 : -1));
      }
      const question = view?.questions?.[at];
      const place = event.key.length === 1 ? event.key.toUpperCase().charCodeAt(0) - 'A'.charCodeAt(0) : -1;
      const option = question?.options[place]?.option;
      if (letters.current && question && option !== undefined) work.choose(question.questionId, option);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
}
