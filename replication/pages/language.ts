import { createContext, type VNode } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { type Children, html } from './view.ts';

/** The languages of the pages, each with its own name and the direction in which it is written. */
const LANGUAGES = {
  en: { name: 'English', dir: 'ltr' },
  fr: { name: 'Français', dir: 'ltr' },
} as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = 'cbt.language';

/** A page's texts in every language. */
export interface Catalog<Words> {
  /** Shows its children in the language that was chosen. */
  Languages(props: { children: Children }): VNode;
  /** The texts of the language that was chosen. */
  useWords(): Words;
}

const Chosen = createContext<{ language: Language; choose(language: Language): void }>({
  language: 'en',
  choose: () => {},
});

export function useLanguage(): Language {
  return useContext(Chosen).language;
}

export function createCatalog<Words>(texts: Record<Language, Words>): Catalog<Words> {
  return {
    Languages({ children }) {
      const [language, setLanguage] = useState<Language>(firstLanguage);
      useEffect(() => {
        document.documentElement.lang = language;
        document.documentElement.dir = LANGUAGES[language].dir;
      }, [language]);
      const choose = (chosen: Language) => {
        localStorage.setItem(KEPT, chosen);
        setLanguage(chosen);
      };
      return html`<${Chosen.Provider} value=${{ language, choose }}>${children}<//>`;
    },
    useWords: () => texts[useContext(Chosen).language],
  };
}

/** Each language by its own name. */
export function LanguageSwitch(): VNode {
  const { language, choose } = useContext(Chosen);
  const others = (Object.keys(LANGUAGES) as Language[]).filter((other) => other !== language);
  return html`<span class="languages">
    ${others.map(
      (other) =>
        html`<button type="button" class="link" lang=${other} onClick=${() => choose(other)}>
          ${LANGUAGES[other].name}
        </button>`,
    )}
  </span>`;
}

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages];
  const known = wanted
    .map((tag) => tag?.split('-', 1)[0])
    .find((tag) => tag !== undefined && tag in LANGUAGES);
  return (known ?? 'en') as Language;
}
