import type { VNode } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { type Children, html } from './view.ts';

/** A window over the page; Escape closes it, and the browser puts the focus back where it was. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose(): void;
  children: Children;
}): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const closing = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  // Browsers close a window themselves that does not want to be closed; the event of one that is gone comes too late.
  const closed = () => {
    if (dialog.current) onClose();
  };
  return html`<dialog ref=${dialog} aria-labelledby=${id} onCancel=${closing} onClose=${closed}>
    <h2 id=${id}>${title}</h2>
    ${children}
  </dialog>`;
}
