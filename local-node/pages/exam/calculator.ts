import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { html } from '../../../replication/pages/view.ts';
import { NOTHING, press, type Reckoning } from './reckon.ts';
import { useWords } from './words.ts';

const KEYS = ['7', '8', '9', '÷', '4', '5', '6', '×', '1', '2', '3', '−', '0', '.', '±', '+', 'C', '='];

export function Calculator(): VNode {
  const words = useWords();
  const { names, clear, result, error } = words.calculator;
  const [reckoning, setReckoning] = useState<Reckoning>(NOTHING);
  const named: Record<string, string> = { ...names, C: clear };
  return html`<details class="card calculator">
    <summary>${words.work.calculator}</summary>
    <output aria-label=${result}>${reckoning.shown === 'NaN' ? error : reckoning.shown.replace('-', '−')}</output>
    <div class="keys">
      ${KEYS.map(
        (key) =>
          html`<button
            type="button"
            aria-label=${named[key]}
            class=${key === 'C' || key === '=' ? 'wide' : ''}
            onClick=${() => setReckoning((before) => press(before, key))}
          >
            ${key}
          </button>`,
      )}
    </div>
  </details>`;
}
