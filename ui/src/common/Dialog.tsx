// The browser's own dialog: it keeps the focus inside and closes with Escape.
import { useEffect, useRef, type ReactNode } from 'react';

export function Dialog({ title, close, children }: { title: string; close: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={event => {
        if (event.target === dialog.current) close();
      }}
    >
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
