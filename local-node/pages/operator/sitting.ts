import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { formatClock, formatTime } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { html, textOf } from '../../../replication/pages/view.ts';
import { ExtraTime, nameOf, SubmitFor } from './candidate.ts';
import type { Candidate, NodeLink, NodeView } from './node.ts';
import { Unlock } from './pin.ts';
import { useWords, type Words } from './words.ts';

type State = Candidate['state'];
const STATES: readonly State[] = ['working', 'expected', 'submitted', 'not admitted', 'working elsewhere'];
const LOOKS: Record<State, string> = {
  expected: 'neutral',
  'not admitted': 'wait',
  working: 'plain',
  'working elsewhere': 'wait',
  submitted: 'good',
};

/** What is open over the list. */
type Open = { what: 'extra'; candidate?: Candidate } | { what: 'submit'; candidate: Candidate } | undefined;

/** The candidates of a test, and what the operator can do for them. */
export function Sitting({ node, view }: { node: NodeLink; view: NodeView }): VNode {
  const { sitting: words } = useWords();
  const [open, setOpen] = useState<Open>();
  const tests = view.tests?.tests ?? [];
  const { isUnlocked, candidates = [] } = view;
  const working = candidates.filter(({ state }) => state === 'working');
  return html`<section class="card stack">
    <div class="row spread">
      <h2>${words.title}</h2>
      ${
        isUnlocked &&
        working.length > 0 &&
        html`<button type="button" onClick=${() => setOpen({ what: 'extra' })}>${words.extraAll}</button>`
      }
    </div>
    ${tests.length > 1 && isUnlocked && html`<${ChooseTest} node=${node} view=${view} />`}
    ${!isUnlocked && html`<${Unlock} node=${node} view=${view} />`}
    ${isUnlocked && tests.length === 0 && html`<p class="soft">${words.noTest}</p>`}
    ${isUnlocked && tests.length > 0 && html`<${Roster} candidates=${candidates} onOpen=${setOpen} />`}
    ${
      open?.what === 'extra' &&
      html`<${ExtraTime}
        node=${node}
        candidate=${open.candidate}
        testId=${view.testId ?? tests[0]?.testId}
        count=${working.length}
        onClose=${() => setOpen(undefined)}
      />`
    }
    ${
      open?.what === 'submit' &&
      html`<${SubmitFor} node=${node} candidate=${open.candidate} onClose=${() => setOpen(undefined)} />`
    }
  </section>`;
}

function ChooseTest({ node, view }: { node: NodeLink; view: NodeView }): VNode {
  const { sitting: words } = useWords();
  const tests = view.tests?.tests ?? [];
  const chosen = view.testId ?? tests[0]?.testId;
  return html`<label class="row">
    <span class="soft">${words.test}</span>
    <select onChange=${(event: Event) => node.chooseTest(textOf(event))}>
      ${tests.map(
        ({ testId, title }) => html`<option value=${testId} selected=${testId === chosen}>${title}</option>`,
      )}
    </select>
  </label>`;
}

function Roster({ candidates, onOpen }: { candidates: Candidate[]; onOpen(open: Open): void }): VNode {
  const { sitting: words } = useWords();
  const [wanted, setWanted] = useState<State | undefined>();
  const [search, setSearch] = useState('');
  const counts = Map.groupBy(candidates, ({ state }) => state);
  const shown = candidates.filter(
    (candidate) => (wanted === undefined || candidate.state === wanted) && matches(candidate, search),
  );
  const button = (state: State | undefined, text: string, count: number) =>
    html`<button
      type="button"
      class="small"
      aria-pressed=${wanted === state}
      onClick=${() => setWanted(state)}
    >
      ${text} <span class="number">${count}</span>
    </button>`;
  return html`<div class="row filters">
      ${button(undefined, words.all, candidates.length)}
      ${STATES.filter((state) => counts.has(state)).map((state) =>
        button(state, words.states[state], counts.get(state)?.length ?? 0),
      )}
      <input
        type="search"
        aria-label=${words.search}
        placeholder=${words.search}
        value=${search}
        onInput=${(event: Event) => setSearch(textOf(event))}
      />
    </div>
    <div class="table" tabindex="0" role="region" aria-label=${words.title}>
      <table>
        <thead>
          <tr>
            <th>${words.seat}</th><th>${words.name}</th><th>${words.number}</th><th>${words.state}</th>
            <th>${words.answered}</th><th>${words.left}</th><th>${words.online}</th>
            <th><span class="unseen">${words.actions}</span></th>
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (candidate) =>
              html`<${Row} key=${candidate.enrollmentId} candidate=${candidate} words=${words} onOpen=${onOpen} />`,
          )}
        </tbody>
      </table>
      ${shown.length === 0 && html`<p class="soft">${words.none}</p>`}
    </div>`;
}

function Row({
  candidate,
  words,
  onOpen,
}: {
  candidate: Candidate;
  words: Words['sitting'];
  onOpen(open: Open): void;
}): VNode {
  const language = useLanguage();
  const { seat, registrationNumber, state, because, answered, questions, remainingMs, extraMinutes } =
    candidate;
  const { submittedAt, submittedBy, isConfirmed } = candidate;
  return html`<tr>
    <td>${seat}</td>
    <td>${nameOf(candidate)}</td>
    <td>${registrationNumber}</td>
    <td>
      <span class="badge ${LOOKS[state]}">${words.states[state]}</span>
      ${because && html` <span class="soft">${words.because[because] ?? html`<span lang="en">${because}</span>`}</span>`}
      ${
        submittedAt &&
        html`<div class="soft">
          ${formatTime(submittedAt, language)}${submittedBy !== 'candidate' && `, ${words.by[submittedBy ?? '']}`}
        </div>`
      }
    </td>
    <td>${answered !== undefined && `${answered} / ${questions}`}</td>
    <td>
      ${remainingMs !== undefined && formatClock(remainingMs)}
      ${Boolean(extraMinutes) && html` <span class="soft">${words.minutesMore(extraMinutes ?? 0)}</span>`}
    </td>
    <td>
      ${isConfirmed === true && html`<span class="badge good">${words.confirmed}</span>`}
      ${isConfirmed === false && html`<span class="badge wait">${words.unconfirmed}</span>`}
    </td>
    <td class="actions">
      ${
        state === 'working' &&
        html`<div><button
            type="button"
            class="small"
            aria-label=${`${words.extra} ${nameOf(candidate)}`}
            onClick=${() => onOpen({ what: 'extra', candidate })}
          >
            ${words.extra}
          </button>
          <button
            type="button"
            class="small"
            aria-label=${`${words.submit} ${nameOf(candidate)}`}
            onClick=${() => onOpen({ what: 'submit', candidate })}
          >
            ${words.submit}
          </button></div>`
      }
    </td>
  </tr>`;
}

function matches(candidate: Candidate, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${nameOf(candidate)} ${candidate.registrationNumber} ${candidate.seat ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
