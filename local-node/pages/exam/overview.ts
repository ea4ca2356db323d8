import type { VNode } from 'preact';
import { html } from '../../../replication/pages/view.ts';
import { useWords } from './words.ts';
import type { Work, WorkState } from './work.ts';

/** A button for each question (or for those that are named), with what stands of it. */
export function Overview({
  work,
  state,
  only,
  onGo,
}: {
  work: Work;
  state: WorkState;
  only?: ReadonlySet<string>;
  onGo?: () => void;
}): VNode {
  const words = useWords();
  const questions = state.view?.questions ?? [];
  const go = (place: number) => {
    work.go(place);
    onGo?.();
  };
  return html`<ol class="overview">
    ${questions.map(({ questionId }, place) => {
      if (only && !only.has(questionId)) return null;
      const isAnswered = (state.answers[questionId] ?? null) !== null;
      const isUnsaved = state.unsaved.has(questionId);
      const isFlagged = state.flags.has(questionId);
      const marks = [
        isAnswered ? words.work.answeredMark : words.work.unansweredMark,
        isUnsaved && words.work.unsavedMark,
        isFlagged && words.work.flagged,
      ].filter(Boolean);
      const look = [isAnswered && 'answered', isUnsaved && 'unsaved', isFlagged && 'flagged'].filter(Boolean);
      return html`<li key=${questionId}>
        <button
          type="button"
          class=${look.join(' ')}
          aria-current=${place === state.at ? 'true' : undefined}
          aria-label=${`${words.work.question(place + 1, questions.length)}: ${marks.join(', ')}`}
          onClick=${() => go(place)}
        >
          ${place + 1}
        </button>
      </li>`;
    })}
  </ol>`;
}

/** The questions that have no answer. */
export function unanswered({ view, answers }: WorkState): Set<string> {
  const ids = (view?.questions ?? []).map(({ questionId }) => questionId);
  return new Set(ids.filter((id) => (answers[id] ?? null) === null));
}
