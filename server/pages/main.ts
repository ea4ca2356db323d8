import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { readPaths } from '../../replication/pages/api-paths.ts';
import { ask } from '../../replication/pages/ask.ts';
import { LanguageSwitch } from '../../replication/pages/language.ts';
import { html, show } from '../../replication/pages/view.ts';
import { Audit } from './audit.ts';
import { Board } from './board.ts';
import { type BoardLink, createBoardLink } from './board-link.ts';
import { Center } from './center.ts';
import { Conflicts } from './conflicts.ts';
import { Import } from './import.ts';
import { Mirrors } from './mirrors.ts';
import { Packages } from './packages.ts';
import { type Place, usePlace } from './place.ts';
import { Quarantine } from './quarantine.ts';
import { Results } from './results.ts';
import { SignIn } from './sign-in.ts';
import { Languages, useWords } from './words.ts';

const SECTIONS = [
  'board',
  'conflicts',
  'import',
  'results',
  'quarantine',
  'packages',
  'mirrors',
  'audit',
] as const;
type Section = (typeof SECTIONS)[number];

/** Sections that are there only where the API is. */
const NEEDED: Partial<Record<Section, string>> = {
  packages: '/sync/download/{centerId}',
  mirrors: '/api/mirrors',
  audit: '/api/audit',
};

function Admin(): VNode {
  const words = useWords();
  const [signedIn, setSignedIn] = useState<boolean | undefined>();
  useEffect(() => {
    document.title = `${words.title} – CBT Sync`;
  }, [words]);
  useEffect(() => {
    ask<{ signedIn: boolean }>('GET', '/session').then(
      (state) => setSignedIn(state.signedIn),
      () => setSignedIn(false),
    );
  }, []);
  if (signedIn === undefined) return html`<p class="sheet soft">${words.loading}</p>`;
  if (!signedIn) return html`<${SignIn} onDone=${() => setSignedIn(true)} />`;
  return html`<${Desk} onEnd=${() => setSignedIn(false)} />`;
}

function Desk({ onEnd }: { onEnd(): void }): VNode {
  const words = useWords();
  const place = usePlace();
  const [board, setBoard] = useState<BoardLink | undefined>();
  const [paths, setPaths] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const link = createBoardLink(onEnd);
    setBoard(link);
    readPaths().then(setPaths, () => {});
    return link.close;
  }, []);
  const signOut = async () => {
    await ask('DELETE', '/session');
    onEnd();
  };
  const sections = SECTIONS.filter((section) => {
    const needed = NEEDED[section];
    return needed === undefined || paths.has(needed);
  });
  return html`<div class="admin">
    <a class="skip" href="#content">${words.skip}</a>
    <header>
      <strong>CBT Sync</strong>
      <nav aria-label=${words.title}>
        <ul class="row">
          ${sections.map(
            (section) =>
              html`<li key=${section}>
                <a href=${`#/${section}`} aria-current=${place.section === section ? 'page' : undefined}>
                  ${words.sections[section]}
                </a>
              </li>`,
          )}
        </ul>
      </nav>
      <span class="row">
        <${LanguageSwitch} />
        <button type="button" class="link" onClick=${signOut}>${words.signIn.out}</button>
      </span>
    </header>
    <main id="content" tabindex="-1">${board && html`<${Screen} place=${place} board=${board} paths=${paths} />`}</main>
  </div>`;
}

function Screen({
  place: { section, rest },
  board,
  paths,
}: {
  place: Place;
  board: BoardLink;
  paths: ReadonlySet<string>;
}): VNode {
  const [first, second] = rest;
  if (section === 'centers' && first !== undefined) {
    return html`<${Center} key=${first} centerId=${first} paths=${paths} />`;
  }
  if (section === 'conflicts') {
    const isOfCenter = first === 'of';
    return html`<${Conflicts} id=${isOfCenter ? undefined : first} centerId=${isOfCenter ? second : undefined} />`;
  }
  if (section === 'import') return html`<${Import} />`;
  if (section === 'results') return html`<${Results} key=${first} centerId=${first} />`;
  if (section === 'quarantine') return html`<${Quarantine} key=${first} centerId=${first} />`;
  if (section === 'packages') return html`<${Packages} board=${board} />`;
  if (section === 'mirrors') return html`<${Mirrors} />`;
  if (section === 'audit') return html`<${Audit} />`;
  return html`<${Board} board=${board} />`;
}

show(html`<${Languages}><${Admin} /><//>`);
