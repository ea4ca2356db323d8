import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { Dialog } from '../../replication/pages/dialog.ts';
import { formatCount, formatSpan, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import type { BoardCenter, CenterOverview } from '../board/schemas.ts';
import { useAnswer } from './answer.ts';
import { Secret } from './board-acts.ts';
import { READINESS_LOOKS } from './board-row.ts';
import { CenterLog, Nodes } from './nodes.ts';
import { Operations } from './operations.ts';
import { useWords } from './words.ts';

const REFRESH_MS = 5000;

/** All of one center. */
export function Center({ centerId, paths }: { centerId: string; paths: ReadonlySet<string> }): VNode {
  const words = useWords();
  const path = `/api/centers/${encodeURIComponent(centerId)}`;
  const { answer, problem, ask: again } = useAnswer<CenterOverview>(`${path}/overview`, REFRESH_MS);
  return html`<div class="stack">
    <p><a href="#/board">${words.center.back}</a></p>
    <div class="row spread">
      <h1>${centerId} <span class="soft">${answer?.row.name}</span></h1>
      <${NewSecret} centerId=${centerId} path=${path} />
    </div>
    <${Failure} problem=${problem} known=${words.problems} />
    ${
      answer &&
      html`<div class="pair">
          <${Standing} row=${answer.row} />
          <${Tests} row=${answer.row} onChange=${again} />
        </div>
        <${Scope} overview=${answer} />
        <${Nodes} path=${path} />
        <${CenterLog} path=${path} />
        ${paths.has('/sync/operations/{centerId}') && html`<${Operations} centerId=${centerId} />`}`
    }
  </div>`;
}

function NewSecret({ centerId, path }: { centerId: string; path: string }): VNode {
  const { secret: words, cancel, problems } = useWords();
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState<string | undefined>();
  const act = useAct();
  const make = () =>
    act.run(async () => setSecret((await ask<{ secret: string }>('POST', `${path}/secret`)).secret));
  const close = () => {
    setOpen(false);
    setSecret(undefined);
  };
  return html`<div>
    <button type="button" onClick=${() => setOpen(true)}>${words.replace}</button>
    ${
      isOpen &&
      secret === undefined &&
      html`<${Dialog} title=${words.replaceTitle(centerId)} onClose=${close}>
        <p class="notice bad">${words.replaceText}</p>
        <${Failure} problem=${act.problem} known=${problems} />
        <div class="row">
          <button type="button" class="large" onClick=${close}>${cancel}</button>
          <button type="button" class="danger primary large" aria-disabled=${act.isRunning} onClick=${make}>
            ${words.make}
          </button>
        </div>
      <//>`
    }
    ${secret !== undefined && html`<${Secret} centerId=${centerId} secret=${secret} onClose=${close} />`}
  </div>`;
}

function Standing({ row }: { row: BoardCenter }): VNode {
  const { center: words, board, never } = useWords();
  const language = useLanguage();
  const time = (iso: string | null) => (iso === null ? never : formatTime(iso, language));
  const count = (value: number | null) => (value === null ? words.notKnown : formatCount(value, language));
  const { results, digestEqual, differences } = row;
  return html`<section class="card stack">
    <h2>${words.standing}</h2>
    <dl class="facts">
      <dt>${board.seen}</dt><dd>${time(row.lastSeenAt)}</dd>
      <dt>${words.lastPull}</dt><dd>${time(row.lastPullAt)}</dd>
      <dt>${words.lastPush}</dt><dd>${time(row.lastPushAt)}</dd>
      <dt>${board.toReceive}</dt>
      <dd>
        ${count(row.pendingPull)}${row.secondsLeft ? ` (${formatSpan(row.secondsLeft * 1000, language)})` : ''}
      </dd>
      <dt>${board.toSend}</dt><dd>${count(row.pendingPush)}</dd>
      <dt>${words.digest}</dt>
      <dd>
        <span class="badge ${digestEqual === null ? 'neutral' : digestEqual ? 'good' : 'bad'}">
          ${digestEqual === null ? words.notKnown : digestEqual ? words.equal : words.differs}
        </span>
      </dd>
      <dt>${words.mode}</dt><dd>${row.mode === null ? words.notKnown : words.modes[row.mode]}</dd>
      <dt>${words.stored}</dt>
      <dd>${formatCount(results.stored, language)}: ${words.verdicts(results.verified, results.flagged, results.waiting)}</dd>
      <dt>${words.receipts}</dt><dd>${words.receiptsOf(count(results.confirmed), count(results.atNode))}</dd>
    </dl>
    ${
      differences.length > 0 &&
      html`<div class="stack tight">
        <h3>${words.differing}</h3>
        <ul class="fine">${differences.map(({ id, problem }) => html`<li>${id}: ${words.problems[problem]}</li>`)}</ul>
      </div>`
    }
    <div class="row">
      ${row.conflicts > 0 && html`<a href=${`#/conflicts/of/${row.centerId}`}>${board.conflicts(row.conflicts)}</a>`}
      ${
        row.quarantined > 0 &&
        html`<a href=${`#/quarantine/${row.centerId}`}>${board.quarantined(row.quarantined)}</a>`
      }
      ${results.stored > 0 && html`<a href=${`#/results/${row.centerId}`}>${board.results}</a>`}
    </div>
  </section>`;
}

function Tests({ row, onChange }: { row: BoardCenter; onChange(): void }): VNode {
  const { center: words, board, states } = useWords();
  const [leaving, setLeaving] = useState<string | undefined>();
  return html`<section class="card stack">
    <h2>${words.tests}</h2>
    ${row.tests.length === 0 && html`<p class="soft">${board.noTest}</p>`}
    <ul class="stack tight">
      ${row.tests.map(
        ({ testId, state, behind }) =>
          html`<li class="row spread" key=${testId}>
            <span>
              <strong>${testId}</strong>${' '}
              <span class="badge ${READINESS_LOOKS[state]}">
                ${state === 'ready' ? states.ready : board.reasons[state](behind ?? 0)}
              </span>
            </span>
            <button
              type="button"
              class="small"
              aria-label=${`${words.withdraw} ${testId}`}
              onClick=${() => setLeaving(testId)}
            >
              ${words.withdraw}
            </button>
          </li>`,
      )}
    </ul>
    ${
      leaving !== undefined &&
      html`<${Withdraw}
        testId=${leaving}
        centerId=${row.centerId}
        onClose=${() => {
          setLeaving(undefined);
          onChange();
        }}
      />`
    }
  </section>`;
}

function Withdraw({
  testId,
  centerId,
  onClose,
}: {
  testId: string;
  centerId: string;
  onClose(): void;
}): VNode {
  const { assign: words, cancel, problems } = useWords();
  const act = useAct();
  const path = `/api/tests/${encodeURIComponent(testId)}/centers/${encodeURIComponent(centerId)}`;
  const withdraw = async () => {
    if (await act.run(() => ask('DELETE', path))) onClose();
  };
  return html`<${Dialog} title=${words.withdrawTitle(testId, 1)} onClose=${onClose}>
    <p class="notice bad">${words.withdrawText}</p>
    <${Failure} problem=${act.problem} known=${problems} />
    <div class="row">
      <button type="button" class="large" onClick=${onClose}>${cancel}</button>
      <button type="button" class="danger primary large" aria-disabled=${act.isRunning} onClick=${withdraw}>
        ${words.withdrawGo}
      </button>
    </div>
  <//>`;
}

function Scope({ overview }: { overview: CenterOverview }): VNode {
  const { center: words, types } = useWords();
  const language = useLanguage();
  return html`<section class="card stack">
    <h2>${words.scope}</h2>
    <div class="table" tabindex="0" role="region" aria-label=${words.scope}>
      <table>
        <thead>
          <tr><th>${words.partition}</th><th>${words.documents}</th><th>${words.types}</th><th>${words.digest}</th></tr>
        </thead>
        <tbody>
          ${overview.partitions.map(
            ({ partition, documents, digest, isEqual, types: counts }) =>
              html`<tr key=${partition}>
                <td>${partition}</td>
                <td>${formatCount(documents, language)}</td>
                <td>
                  ${Object.entries(counts)
                    .map(
                      ([type, count]) =>
                        `${formatCount(count, language)} ${types[type]?.[count === 1 ? 0 : 1] ?? type}`,
                    )
                    .join(', ')}
                </td>
                <td>
                  <code title=${digest}>${digest.slice(0, 12)}</code>${' '}
                  <span class="badge ${isEqual === null ? 'neutral' : isEqual ? 'good' : 'wait'}">
                    ${isEqual === null ? words.notKnown : isEqual ? words.equal : words.differs}
                  </span>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
