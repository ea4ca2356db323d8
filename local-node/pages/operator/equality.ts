import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../../replication/pages/act.ts';
import { formatCount, formatTime } from '../../../replication/pages/format.ts';
import { useLanguage } from '../../../replication/pages/language.ts';
import { html } from '../../../replication/pages/view.ts';
import type { VerifyAnswer } from '../../routes/schemas.ts';
import { LONG_MS, type NodeLink, type Status } from './node.ts';
import { useWords } from './words.ts';

const LISTED = 50;

/** Whether the replica is what the server has, and what to do when it is not. */
export function Equality({ node, status }: { node: NodeLink; status: Status }): VNode {
  const { equality: words, pin, problems } = useWords();
  const language = useLanguage();
  const verifying = useAct();
  const repairing = useAct();
  const [verified, setVerified] = useState<VerifyAnswer | undefined>();
  const { at, differences } = status.verification;
  const needsPin = status.hasPin && !node.state.isUnlocked;
  const verify = () =>
    verifying.run(async () => setVerified(await node.ask('POST', '/api/verify', { patienceMs: LONG_MS })));
  const repair = () => repairing.run(() => node.ask('POST', '/api/repair', { patienceMs: LONG_MS }));
  return html`<section class="card stack">
    <div class="row spread">
      <h2>${words.title}</h2>
      <div class="row">
        <button type="button" aria-disabled=${verifying.isRunning} onClick=${verify}>
          ${verifying.isRunning ? words.verifying : words.verify}
        </button>
        ${
          differences.length > 0 &&
          html`<button type="button" class="danger" disabled=${needsPin} onClick=${repair}>
            ${repairing.isRunning ? words.repairing : words.repair}
          </button>`
        }
      </div>
    </div>
    <p><${Verdict} status=${status} /></p>
    ${differences.length > 0 && needsPin && html`<p class="soft fine">${pin.needed}</p>`}
    <p class="soft fine" role="status">
      ${verified && words.verified(formatCount(verified.documents, language))}
      ${verified?.comparedWith === 'record' && ` ${words.byRecord}`}
    </p>
    <${Failure} problem=${verifying.problem ?? repairing.problem} known=${problems} />
    <dl class="facts">
      <dt>${words.documents}</dt><dd>${formatCount(status.documents, language)}</dd>
      ${at && html`<dt>${words.at}</dt><dd>${formatTime(at, language)}</dd>`}
    </dl>
    ${
      differences.length > 0 &&
      html`<ul class="fine stack tight">
        ${differences.slice(0, LISTED).map(({ id, problem }) => html`<li>${id}: ${words.problems[problem]}</li>`)}
      </ul>`
    }
  </section>`;
}

function Verdict({ status: { verification } }: { status: Status }): VNode {
  const { equality: words } = useWords();
  const { equal, differences } = verification;
  const [look, text] =
    differences.length > 0
      ? ['bad', words.differ(differences.length)]
      : equal === null
        ? ['wait', words.notCompared]
        : equal
          ? ['good', words.yes]
          : ['wait', words.notYet];
  return html`<span class="badge ${look}">${text}</span>`;
}
