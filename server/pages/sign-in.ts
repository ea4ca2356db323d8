import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Failure, useAct } from '../../replication/pages/act.ts';
import { ask } from '../../replication/pages/ask.ts';
import { LanguageSwitch } from '../../replication/pages/language.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import { useWords } from './words.ts';

/** The admin token, once; after it a cookie that no script can read. */
export function SignIn({ onDone }: { onDone(): void }): VNode {
  const { signIn: words, problems } = useWords();
  const field = useRef<HTMLInputElement>(null);
  const [token, setToken] = useState('');
  const act = useAct();
  useEffect(() => field.current?.focus(), []);
  const signIn = async (event: Event) => {
    event.preventDefault();
    if (await act.run(() => ask('POST', '/session', { body: { token } }))) onDone();
  };
  return html`<div class="sheet">
    <header class="row spread"><span class="soft">CBT Sync</span><${LanguageSwitch} /></header>
    <main class="card stack">
      <h1>${words.title}</h1>
      <form class="stack" onSubmit=${signIn}>
        <label class="field">
          <span>${words.label}</span>
          <input
            ref=${field}
            type="password"
            autocomplete="current-password"
            required
            aria-describedby="hint"
            value=${token}
            onInput=${(event: Event) => setToken(textOf(event))}
          />
        </label>
        <p class="soft fine" id="hint">${words.hint}</p>
        <${Failure} problem=${act.problem} known=${{ ...problems, unauthorized: words.wrong }} />
        <button class="primary large" aria-disabled=${act.isRunning}>${words.go}</button>
      </form>
    </main>
  </div>`;
}
