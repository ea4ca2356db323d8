import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { useStore } from '../../../replication/pages/store.ts';
import { html, show } from '../../../replication/pages/view.ts';
import { Desk } from './desk.ts';
import { CodeScreen, ConfirmScreen, EndScreen, Refusal, Sheet } from './door.ts';
import { openKept } from './kept.ts';
import { Languages, useWords } from './words.ts';
import { createWork, type Work } from './work.ts';

/** How often a page that found no node looks for it. */
const LOOK_AGAIN_MS = 2000;

function Exam({ work }: { work: Work }): VNode {
  const words = useWords();
  const state = useStore(work);
  const { phase } = state;
  const title = state.view?.test?.title;
  useEffect(() => {
    document.title = title === undefined ? words.exam : `${title} – ${words.exam}`;
  }, [title, words]);
  useEffect(() => {
    if (phase !== 'opening' || !state.problem) return;
    const timer = setTimeout(work.open, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [phase, state.problem]);
  if (phase === 'working') return html`<${Desk} work=${work} state=${state} />`;
  if (phase === 'confirm') return html`<${ConfirmScreen} work=${work} state=${state} />`;
  if (phase === 'ended') return html`<${EndScreen} work=${work} state=${state} />`;
  if (phase === 'code') return html`<${CodeScreen} work=${work} state=${state} />`;
  return html`<${Sheet} title=${words.opening}><${Refusal} problem=${state.problem} /><//>`;
}

const work = createWork(await openKept());
show(html`<${Languages}><${Exam} work=${work} /><//>`);
await work.open();
