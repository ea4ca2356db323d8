import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { LanguageSwitch } from '../../../replication/pages/language.ts';
import { useStore } from '../../../replication/pages/store.ts';
import { html, show } from '../../../replication/pages/view.ts';
import { Answers } from './answers.ts';
import { Settings } from './clock.ts';
import { Equality } from './equality.ts';
import { createNodeLink, type NodeLink, type NodeView } from './node.ts';
import { Packages } from './packages.ts';
import { Log, Quarantine } from './records.ts';
import { Replication } from './replication.ts';
import { Sitting } from './sitting.ts';
import { Languages, useWords } from './words.ts';

function Operator({ node }: { node: NodeLink }): VNode {
  const words = useWords();
  const view = useStore(node);
  const { status } = view;
  const centerId = status?.centerId;
  useEffect(() => {
    document.title = centerId === undefined ? words.page : `${centerId} – ${words.page}`;
  }, [centerId, words]);
  return html`<div class="operator stack">
    <${Head} view=${view} />
    <main class="stack">
      <${Answers} view=${view} />
      ${
        status &&
        html`<div class="pair">
            <${Replication} node=${node} status=${status} />
            <${Equality} node=${node} status=${status} />
          </div>
          <${Sitting} node=${node} view=${view} />
          <${Packages} underWay=${status.packageImport} />
          <${Quarantine} node=${node} view=${view} />
          <${Log} node=${node} view=${view} />
          <${Settings} node=${node} view=${view} />`
      }
    </main>
  </div>`;
}

function Head({ view: { status, isThere } }: { view: NodeView }): VNode {
  const words = useWords();
  const [look, text] = !isThere
    ? ['bad', words.line.gone]
    : status?.line === 'up'
      ? ['good', words.line.up]
      : status?.line === 'down'
        ? ['bad', words.line.down]
        : ['wait', words.line.unknown];
  return html`<header class="row spread">
    <div class="row">
      <h1>${status?.centerId ?? words.page}</h1>
      <span class="badge ${look}" role="status">${text}</span>
      <span class="soft fine">${status?.server}</span>
    </div>
    <${LanguageSwitch} />
  </header>`;
}

show(html`<${Languages}><${Operator} node=${createNodeLink()} /><//>`);
