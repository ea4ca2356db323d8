import type { VNode } from 'preact';
import { formatReason, formatSpan } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { type Children, html } from '../../../replication/pages/view.ts';
import type { NodeView, Status, Test } from './node.ts';
import { useWords } from './words.ts';

type Look = 'good' | 'bad' | 'wait' | 'plain';

/** The three questions of whoever is responsible for a center, and their answers, large. */
export function Answers({ view }: { view: NodeView }): VNode {
  const { status, tests } = view;
  return html`<div class="answers">
    <${Readiness} tests=${tests?.tests} now=${tests?.now} isEmpty=${status?.documents === 0} />
    <${Confirmation} status=${status} />
    <${Wiping} status=${status} />
  </div>`;
}

function Answer({
  question,
  look,
  answer,
  children,
}: {
  question: string;
  look: Look;
  answer: string;
  children?: Children;
}): VNode {
  return html`<section class="card answer ${look}-edge">
    <h2>${question}</h2>
    <p class="large-answer ${look}-text">${answer}</p>
    <div class="stack tight fine">${children}</div>
  </section>`;
}

function Readiness({
  tests,
  now,
  isEmpty,
}: {
  tests: Test[] | undefined;
  now: string | undefined;
  isEmpty: boolean;
}): VNode {
  const { ready, yes, notYet, loading } = useWords();
  if (!tests || now === undefined)
    return html`<${Answer} question=${ready.question} look="plain" answer=${loading} />`;
  const [next, ...others] = tests;
  if (!next && isEmpty) {
    return html`<${Answer} question=${ready.question} look="bad" answer=${notYet}><p>${ready.empty}</p><//>`;
  }
  if (!next) return html`<${Answer} question=${ready.question} look="plain" answer=${ready.none} />`;
  const isReady = next.obstacles.length === 0;
  const { total, admitted } = next.candidates;
  return html`<${Answer} question=${ready.question} look=${isReady ? 'good' : 'bad'} answer=${isReady ? yes : notYet}>
    <p><strong>${next.title}</strong></p>
    ${next.obstacles.map(({ what, count }) => html`<p>${ready.obstacles[what](count)}</p>`)}
    <${When} test=${next} now=${now} />
    <p class="soft">${ready.facts(next.questions.needed, total)}</p>
    ${admitted < total && html`<p>${ready.notAdmitted(total - admitted)}</p>`}
    ${
      others.length > 0 &&
      html`<p class="soft">
        ${ready.others}:
        ${others
          .map(
            ({ title, obstacles }) => ` ${title} (${obstacles.length === 0 ? ready.ready : ready.notReady})`,
          )
          .join(', ')}
      </p>`
    }
  <//>`;
}

function When({ test, now }: { test: Test; now: string }): VNode | null {
  const { ready } = useWords();
  const language = useLanguage();
  if (test.startsAt === '') return null;
  const leftMs = Date.parse(test.startsAt) - Date.parse(now);
  const text =
    leftMs > 0
      ? ready.begins(formatReason(test.startsAt, language), formatSpan(leftMs, language))
      : ready.open(formatReason(test.endsAt, language));
  return html`<p>${text}</p>`;
}

function Confirmation({ status }: { status: Status | undefined }): VNode {
  const { confirmed, nothing, loading } = useWords();
  const { question } = confirmed;
  if (!status) return html`<${Answer} question=${question} look="plain" answer=${loading} />`;
  const { total, missingCount, missing } = status.results;
  const isClear = missingCount === 0 && status.pendingPush === 0;
  const answer = isClear
    ? nothing
    : missingCount > 0
      ? confirmed.results(missingCount, total)
      : confirmed.documents(status.pendingPush);
  const look = isClear ? (total > 0 ? 'good' : 'plain') : 'wait';
  const byReason = Map.groupBy(missing, ({ reason }) => reason);
  return html`<${Answer} question=${question} look=${look} answer=${answer}>
    ${[...byReason].map(
      ([reason, of]) =>
        html`<p>${of.length}: ${confirmed.reasons[reason] ?? html`<span lang="en">${reason}</span>`}</p>`,
    )}
    ${total === 0 && html`<p class="soft">${confirmed.noResults}</p>`}
    ${total > 0 && missingCount === 0 && html`<p>${confirmed.all(total)}</p>`}
    ${status.pendingPush > 0 && html`<p class="soft">${confirmed.waiting(status.pendingPush)}</p>`}
  <//>`;
}

function Wiping({ status }: { status: Status | undefined }): VNode {
  const { wipe, no, loading } = useWords();
  const language = useLanguage();
  if (!status) return html`<${Answer} question=${wipe.question} look="plain" answer=${loading} />`;
  const { allowed, obstacles } = status.wipe;
  const isRunning = obstacles.some(({ what }) => what === 'sessions run');
  const [look, answer] = allowed ? ['good', wipe.both] : isRunning ? ['bad', no] : ['wait', wipe.off];
  return html`<${Answer} question=${wipe.question} look=${look} answer=${answer}>
    ${obstacles.map(
      ({ what, count, about = '' }) =>
        html`<p>${wipe.obstacles[what](count, formatReason(about, language))}</p>`,
    )}
    ${isRunning && html`<p class="soft">${wipe.running}</p>`}
    ${allowed && html`<p>${wipe.how}</p>`}
  <//>`;
}
