import htm from 'htm';
import { type ComponentChildren, h, render, type VNode } from 'preact';

/** Markup as a tagged template. What is put into it is text, never markup. */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

export type Children = ComponentChildren;

/** Shows a page in the element that its HTML has for it. */
export function show(page: VNode): void {
  render(page, document.getElementById('page') as HTMLElement);
}

/** What stands in the field that an event is of. */
export function textOf(event: Event): string {
  return (event.target as HTMLInputElement).value;
}
