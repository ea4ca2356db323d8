import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { Dialog } from '../../replication/pages/dialog.ts';
import { formatDetails, formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { useLogWords } from '../../replication/pages/log-words.ts';
import { html } from '../../replication/pages/view.ts';
import type { LogAnswer, NodeAnswer, NodesAnswer } from '../exam/schemas.ts';
import { useAnswer } from './answer.ts';
import { useWords } from './words.ts';

const REFRESH_MS = 5000;
const LOOKS = { known: 'good', 'rolled back or cloned': 'bad', replaced: 'neutral' } as const;

/** The machines of a center, and what is known of each. */
export function Nodes({ path }: { path: string }): VNode {
  const { center: words, problems, nothing } = useWords();
  const { answer, problem, ask: again } = useAnswer<NodesAnswer>(`${path}/nodes`, REFRESH_MS);
  return html`<section class="card stack">
    <h2>${words.nodes}</h2>
    <${Failure} problem=${problem} known=${problems} />
    <ul class="stack">
      ${answer?.nodes.length === 0 && html`<li class="soft">${nothing}</li>`}
      ${answer?.nodes.map((node) => html`<${Node} key=${node.instanceId} node=${node} path=${path} onChange=${again} />`)}
    </ul>
  </section>`;
}

interface NodeProps {
  node: NodeAnswer;
  path: string;
  onChange(): void;
}

function Node({ node, path, onChange }: NodeProps): VNode {
  const { center: words, never } = useWords();
  const language = useLanguage();
  const { instanceId, standing, suspicions, lastReportAt, log, sessions, results } = node;
  return html`<li class="stack tight">
    <div class="row spread">
      <span class="row">
        <code>${instanceId}</code> <span class="badge ${LOOKS[standing]}">${words.standings[standing]}</span>
      </span>
      <${Replace} node=${node} path=${path} onChange=${onChange} />
    </div>
    ${suspicions.map(({ at, what }) => html`<p class="notice bad" lang="en">${formatTime(at, language)}: ${what}</p>`)}
    <dl class="facts fine">
      <dt>${words.report}</dt><dd>${lastReportAt ? formatTime(lastReportAt, language) : never}</dd>
      <dt>${words.log}</dt>
      <dd>
        ${words.whole(log.verified)}
        ${log.awaited.length > 0 && ` · ${words.awaited(log.awaited.join(', '))}`}
        ${log.break && html` · <span class="bad-text" lang="en">${formatReason(log.break.reason, language)}</span>`}
      </dd>
      ${
        sessions &&
        html`<dt>${words.sessions}</dt><dd>${words.sessionsOf(sessions.running, sessions.submitted)}</dd>`
      }
      <dt>${words.receipts}</dt>
      <dd>${words.receiptsOf(String(results.confirmed ?? '–'), String(results.atNode ?? '–'))}</dd>
    </dl>
  </li>`;
}

/** Declares a node replaced, or takes one back that was. */
function Replace({ node: { instanceId, standing }, path, onChange }: NodeProps): VNode {
  const { center, cancel, problems } = useWords();
  const [isOpen, setOpen] = useState(false);
  const act = useAct();
  const isReplaced = standing === 'replaced';
  const words = isReplaced ? center.takeBack : center.replace;
  const change = async () => {
    const method = isReplaced ? 'DELETE' : 'POST';
    const done = await act.run(() => ask(method, `${path}/nodes/${encodeURIComponent(instanceId)}/replace`));
    if (!done) return;
    setOpen(false);
    onChange();
  };
  return html`<div>
    <button type="button" class="small" onClick=${() => setOpen(true)}>${words.open}</button>
    ${
      isOpen &&
      html`<${Dialog} title=${words.title} onClose=${() => setOpen(false)}>
        <p><code>${instanceId}</code></p>
        <p class="notice ${isReplaced ? 'wait' : 'bad'}">${words.text}</p>
        <${Failure} problem=${act.problem} known=${problems} />
        <div class="row">
          <button type="button" class="large" onClick=${() => setOpen(false)}>${cancel}</button>
          <button type="button" class="danger primary large" aria-disabled=${act.isRunning} onClick=${change}>
            ${words.go}
          </button>
        </div>
      <//>`
    }
  </div>`;
}

/** What the center's nodes have logged; read when it is opened. */
export function CenterLog({ path }: { path: string }): VNode {
  const { center: words } = useWords();
  const [isOpen, setOpen] = useState(false);
  return html`<details class="card" onToggle=${(event: Event) => setOpen((event.target as HTMLDetailsElement).open)}>
    <summary><h2>${words.logTitle}</h2></summary>
    ${isOpen && html`<${LogEntries} path=${path} />`}
  </details>`;
}

function LogEntries({ path }: { path: string }): VNode {
  const { center: words, audit, problems, nothing } = useWords();
  const language = useLanguage();
  const eventName = useLogWords();
  const { answer, problem } = useAnswer<LogAnswer>(`${path}/log?limit=1000`, REFRESH_MS);
  return html`<div class="table" tabindex="0" role="region" aria-label=${words.logTitle}>
    <${Failure} problem=${problem} known=${problems} />
    ${answer?.entries.length === 0 && html`<p class="soft">${nothing}</p>`}
    <table>
      <thead>
        <tr><th>${audit.number}</th><th>${audit.when}</th><th>${audit.action}</th><th>${audit.details}</th></tr>
      </thead>
      <tbody>
        ${answer?.entries.map(
          ({ id, n, at, event, details }) =>
            html`<tr key=${id}>
              <td>${String(n ?? '')}</td>
              <td>${typeof at === 'string' && formatTime(at, language)}</td>
              <td>${eventName(String(event ?? ''))}</td>
              <td class="details">${details !== null && typeof details === 'object' && formatDetails(details, language)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
