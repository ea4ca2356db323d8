import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatCount } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { useStore } from '../../replication/pages/store.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import type { BoardCenter, BoardTest } from '../board/schemas.ts';
import { AddCenter, AssignTest } from './board-acts.ts';
import type { BoardLink } from './board-link.ts';
import { Legend, Row } from './board-row.ts';
import { Charts } from './charts.ts';
import { countReady, type SortKey, select, type Wanted } from './rows.ts';
import { useWords } from './words.ts';

/** Every row is as high as this, so that only those in sight need to be drawn. */
const ROW_PX = 37;
const BEYOND = 6;
/** Rows are drawn by so many at a time: few, since the longest frame of scrolling is what is felt. */
const STEP = 2;

/** All centers with all tests, live. */
export function Board({ board }: { board: BoardLink }): VNode {
  const words = useWords();
  const language = useLanguage();
  const view = useStore(board);
  const [wanted, setWanted] = useState<Wanted>({
    search: '',
    onlyNotReady: false,
    by: 'center',
    isDescending: false,
  });
  const [open, setOpen] = useState<'add' | 'assign' | undefined>();
  const shown = useMemo(() => select(view.centers.values(), wanted), [view.centers, wanted]);
  const [ready, notReady] = useMemo(() => countReady(view.centers.values()), [view.centers]);
  const without = view.centers.size - ready - notReady;
  if (!view.isLoaded) return html`<p class="soft">${view.isThere ? words.loading : words.board.gone}</p>`;
  const filter = (onlyNotReady: boolean, text: string) =>
    html`<button
      type="button"
      class="small"
      aria-pressed=${wanted.onlyNotReady === onlyNotReady}
      onClick=${() => setWanted({ ...wanted, onlyNotReady })}
    >
      ${text}
    </button>`;
  return html`<div class="stack">
    <div class="row spread">
      <h1>${words.board.title}</h1>
      <div class="row">
        <button type="button" onClick=${() => setOpen('assign')}>${words.board.assign}</button>
        <button type="button" onClick=${() => setOpen('add')}>${words.board.add}</button>
      </div>
    </div>
    ${!view.isThere && html`<p class="notice bad" role="alert">${words.board.gone}</p>`}
    <p class="large-answer ${notReady > 0 ? 'wait-text' : ready > 0 ? 'good-text' : 'plain-text'}">
      ${words.board.ready(ready, ready + notReady)}
    </p>
    ${without > 0 && html`<p class="soft">${words.board.without(without)}</p>`}
    <div class="row filters">
      ${filter(false, `${words.board.all} ${formatCount(view.centers.size, language)}`)}
      ${filter(true, `${words.board.notReady} ${formatCount(notReady, language)}`)}
      <input
        type="search"
        aria-label=${words.board.search}
        placeholder=${words.board.search}
        value=${wanted.search}
        onInput=${(event: Event) => setWanted({ ...wanted, search: textOf(event) })}
      />
    </div>
    ${
      view.centers.size === 0
        ? html`<p class="card soft">${words.board.noCenters}</p>`
        : html`<${Rows} rows=${shown} tests=${view.tests} wanted=${wanted} onWant=${setWanted} />
            ${!wanted.onlyNotReady && html`<${Legend} />`}`
    }
    ${
      view.usualSpeed !== null &&
      html`<p class="soft fine">${words.board.speed(formatCount(Math.round(view.usualSpeed), language))}</p>`
    }
    <${Charts} samples=${view.samples} />
    ${open === 'add' && html`<${AddCenter} onClose=${() => setOpen(undefined)} />`}
    ${
      open === 'assign' &&
      html`<${AssignTest} tests=${view.tests} centers=${shown} onClose=${() => setOpen(undefined)} />`
    }
  </div>`;
}

/** The rows in sight, in a table that is as high as all of them. */
function Rows({
  rows,
  tests,
  wanted,
  onWant,
}: {
  rows: BoardCenter[];
  tests: BoardTest[];
  wanted: Wanted;
  onWant(wanted: Wanted): void;
}): VNode {
  const words = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ first: 0, count: 16 });
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const seen = () =>
      setPlace((before) => {
        const first = Math.floor(element.scrollTop / ROW_PX / STEP) * STEP;
        const count = Math.ceil(element.clientHeight / ROW_PX) + STEP;
        return first === before.first && count === before.count ? before : { first, count };
      });
    const observer = new ResizeObserver(seen);
    observer.observe(element);
    element.addEventListener('scroll', seen, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', seen);
    };
  }, []);
  const from = Math.max(0, Math.min(place.first, rows.length) - BEYOND);
  const to = Math.min(rows.length, place.first + place.count + BEYOND);
  const head = (by: SortKey, text: string) => {
    const isBy = wanted.by === by;
    const direction = wanted.isDescending ? 'descending' : 'ascending';
    const sort = () => onWant({ ...wanted, by, isDescending: isBy && !wanted.isDescending });
    return html`<th aria-sort=${isBy ? direction : 'none'}>
      <button type="button" class="link" onClick=${sort}>
        ${text}${isBy && html`<span aria-hidden="true">${wanted.isDescending ? ' ↓' : ' ↑'}</span>`}
      </button>
    </th>`;
  };
  return html`<div class="table board card" ref=${frame} tabindex="0" role="region" aria-label=${words.board.title}>
    <table aria-rowcount=${rows.length + 1}>
      <colgroup>
        <col class="of-center" />
        ${
          wanted.onlyNotReady
            ? html`<col class="of-why" />`
            : tests.map(({ testId }) => html`<col key=${testId} class="of-test" />`)
        }
        <col span="3" class="of-count" />
        <col class="of-time" />
        <col class="of-attention" />
      </colgroup>
      <thead>
        <tr>
          ${head('center', words.board.center)}
          ${
            wanted.onlyNotReady
              ? html`<th>${words.board.why}</th>`
              : tests.map(
                  ({ testId, title }) => html`<th key=${testId}><span title=${title}>${testId}</span></th>`,
                )
          }
          ${head('left', words.board.left)} ${head('receive', words.board.toReceive)}
          ${head('send', words.board.toSend)} ${head('seen', words.board.seen)}
          ${head('attention', words.board.attention)}
        </tr>
      </thead>
      <tbody>
        <tr class="space" style=${{ height: `${from * ROW_PX}px` }} aria-hidden="true"></tr>
        ${rows
          .slice(from, to)
          .map(
            (center) =>
              html`<${Row} key=${center.centerId} center=${center} tests=${tests} isWhy=${wanted.onlyNotReady} />`,
          )}
        <tr class="space" style=${{ height: `${(rows.length - to) * ROW_PX}px` }} aria-hidden="true"></tr>
      </tbody>
    </table>
    ${rows.length === 0 && html`<p class="soft">${words.board.none}</p>`}
  </div>`;
}
