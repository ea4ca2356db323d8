import type { VNode } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { formatReason, formatTime } from '../../replication/pages/format.ts';
import { useLanguage } from '../../replication/pages/language.ts';
import { html, textOf } from '../../replication/pages/view.ts';
import {
  allPaths,
  differs,
  documentOf,
  type Fields,
  fieldsOf,
  isSame,
  shownName,
  shownValue,
} from './conflict-fields.ts';
import type { ConflictAnswer } from './conflicts.ts';
import { useWords } from './words.ts';

/** What a decision can be made of: the suggestion, and each side. */
interface Source {
  name: string;
  /** Of a side. */
  rev?: string;
  isDeleted: boolean;
  fields: Fields;
}

/** Base and sides next to each other, field by field, and what will stand; the suggestion is chosen beforehand. */
export function Conflict({
  conflict,
  isBusy,
  onDecide,
}: {
  conflict: ConflictAnswer;
  isBusy: boolean;
  onDecide(decision: object): void;
}): VNode {
  const { conflicts: words } = useWords();
  const language = useLanguage();
  const sources = useSources(conflict);
  const [whole, setWhole] = useState<Source | undefined>(conflict.suggestion ? sources[0] : undefined);
  const [picks, setPicks] = useState<ReadonlyMap<string, Source>>(new Map());
  const [note, setNote] = useState('');
  const [onlyDifferent, setOnlyDifferent] = useState(true);
  const isSigned = conflict.type === 'result';
  const base = conflict.base ? fieldsOf(conflict.base.document) : undefined;
  const all = [...sources.map(({ fields }) => fields), ...(base ? [base] : [])];
  const paths = allPaths(all).filter((path) => !onlyDifferent || differs(path, all));
  const standing = (path: string) => (picks.get(path) ?? whole)?.fields.get(path);
  const take = (source: Source) => {
    setWhole(source);
    setPicks(new Map());
  };
  const isChosen = (source: Source) => whole !== undefined && source.rev === whole.rev;
  const said = note.trim() && { note: note.trim() };
  const decide = () => whole && onDecide({ ...decisionOf(conflict, sources, { whole, picks }), ...said });
  const head = (source: Source) =>
    html`<th key=${source.name} class=${isChosen(source) ? 'chosen' : ''}>
      <span>${source.name}</span>
      <button type="button" class="small" aria-pressed=${isChosen(source) && picks.size === 0} onClick=${() => take(source)}>
        ${source.rev === undefined ? words.takeSuggestion : words.take}
      </button>
    </th>`;
  return html`<section class="card stack">
    <h2>${conflict.id}</h2>
    <p><span lang="en">${formatReason(conflict.reason, language)}</span></p>
    ${isSigned && html`<p class="notice wait">${words.signed}</p>`}
    ${!whole && html`<p>${words.choose}</p>`}
    <label class="check">
      <input type="checkbox" checked=${onlyDifferent} onChange=${() => setOnlyDifferent(!onlyDifferent)} />
      ${words.onlyDifferent}
    </label>
    <div class="table" tabindex="0" role="region" aria-label=${conflict.id}>
      <table class="compare">
        <thead>
          <tr><th>${words.field}</th><th>${words.base}</th>${sources.map(head)}<th>${words.stands}</th></tr>
        </thead>
        <tbody>
          ${paths.map(
            (path) =>
              html`<tr key=${path}>
                <th scope="row">${shownName(path)}</th>
                <td><bdi>${base ? (shownValue(base.get(path)) ?? words.absent) : words.noBase}</bdi></td>
                ${sources.map(
                  (source) =>
                    html`<${Value}
                      key=${source.name}
                      source=${source}
                      path=${path}
                      isChosen=${whole !== undefined && isSame(source.fields.get(path), standing(path))}
                      canPick=${!isSigned && whole !== undefined}
                      onPick=${() => setPicks(new Map(picks).set(path, source))}
                    />`,
                )}
                <td class="stands"><bdi>${shownValue(standing(path)) ?? words.absent}</bdi></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <dl class="facts fine">
      ${conflict.sides.map(({ written }, place) => {
        const who = [words[written.side], written.centerId, written.nodeId].filter(Boolean).join(', ');
        return html`<dt>${words.side(place + 1)}</dt><dd>${who}${written.at && `, ${formatTime(written.at, language)}`}</dd>`;
      })}
    </dl>
    <label class="field">
      <span>${words.note}</span>
      <input maxlength="2000" value=${note} onInput=${(event: Event) => setNote(textOf(event))} />
    </label>
    <div>
      <button type="button" class="primary large" aria-disabled=${isBusy || !whole} onClick=${decide}>${words.decide}</button>
    </div>
  </section>`;
}

function useSources(conflict: ConflictAnswer): Source[] {
  const { conflicts: words } = useWords();
  return useMemo(() => {
    const sides = conflict.sides.map(
      ({ rev, deleted, document }, place): Source => ({
        name: `${words.side(place + 1)}${deleted ? ` (${words.deleted})` : ''}`,
        rev,
        isDeleted: deleted,
        fields: fieldsOf(document),
      }),
    );
    const { suggestion } = conflict;
    if (!suggestion) return sides;
    // What a side says already is suggested by choosing that side.
    const said = sides.find(({ rev }) => rev === suggestion.rev);
    if (said) return [said, ...sides.filter((side) => side !== said)];
    return [{ name: words.suggestion, isDeleted: false, fields: fieldsOf(suggestion.document) }, ...sides];
  }, [conflict, words]);
}

function Value({
  source,
  path,
  isChosen,
  canPick,
  onPick,
}: {
  source: Source;
  path: string;
  isChosen: boolean;
  canPick: boolean;
  onPick(): void;
}): VNode {
  const { conflicts: words } = useWords();
  const shown = shownValue(source.fields.get(path)) ?? words.absent;
  const value = html`<bdi>${shown}</bdi>`;
  const label = `${words.pick(shownName(path), source.name)}: ${shown}`;
  return html`<td class=${isChosen ? 'chosen' : ''}>
    ${
      canPick
        ? html`<button type="button" class="value" aria-label=${label} aria-pressed=${isChosen} onClick=${onPick}>${value}</button>`
        : value
    }
  </td>`;
}

/** A side as it is where what stands is just that, else the document that was put together. */
function decisionOf(
  conflict: ConflictAnswer,
  sources: readonly Source[],
  { whole, picks }: { whole: Source; picks: ReadonlyMap<string, Source> },
): object {
  const fields = new Map(whole.fields);
  for (const [path, source] of picks) fields.set(path, source.fields.get(path));
  const isWhole = (source: Source) =>
    source.rev !== undefined &&
    [...new Set([...fields.keys(), ...source.fields.keys()])].every((path) =>
      isSame(fields.get(path), source.fields.get(path)),
    );
  const side =
    picks.size === 0 && whole.rev !== undefined
      ? whole
      : sources.find((one) => !one.isDeleted && isWhole(one));
  if (side?.rev !== undefined) return { choose: side.rev };
  const like = conflict.suggestion?.document ?? conflict.sides[0]?.document ?? {};
  return { merged: documentOf(fields, like) };
}
