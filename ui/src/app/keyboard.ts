// Keyboard shortcuts: one table, which the help shows. Single keys do nothing while somebody types.
import { useEffect, useRef } from 'react';

export interface Shortcut {
  keys: string; // as shown: "j", "Ctrl+K", "g r"
  does: string;
}

export const shortcuts: Shortcut[] = [
  { keys: '?', does: 'This help' },
  { keys: 'Ctrl+K', does: 'Jump to a workflow, run or action' },
  { keys: 'g h', does: 'Go to the workflows' },
  { keys: 'g r', does: 'Go to the runs' },
  { keys: 'g i', does: 'Go to the inbox' },
  { keys: 't', does: 'Next theme' },
  { keys: '/', does: 'Search the events, or the runs' },
  { keys: '[', does: 'Previous event' },
  { keys: ']', does: 'Next event' },
  { keys: '{', does: 'Previous event of the same step' },
  { keys: '}', does: 'Next event of the same step' },
  { keys: 'Space', does: 'Play or pause the replay' },
  { keys: 'l', does: 'Back to the newest event' },
  { keys: 'j', does: 'Next row' },
  { keys: 'k', does: 'Previous row' },
  { keys: 'r', does: 'Run again with edited input' },
  { keys: 's', does: 'Send an event' },
  { keys: 'c', does: 'Compare with another run' },
  { keys: 'x', does: 'Cancel the run (asks first)' },
  { keys: 'n', does: 'Compare: next difference' },
  { keys: 'p', does: 'Compare: previous difference' },
];

const takesNoText = 'input[type="range"], input[type="checkbox"]';

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !target.matches(takesNoText)));

function name(event: KeyboardEvent): string {
  const key = event.key === ' ' ? 'Space' : event.key;
  return event.ctrlKey || event.metaKey ? `Ctrl+${key.toUpperCase()}` : key;
}

/** Keys as in `shortcuts`. Handlers of components mounted later come first; one that returns false passes the key on. */
export function useShortcuts(handlers: Record<string, () => void | false>) {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    let prefix = '';
    const listen = (event: KeyboardEvent) => {
      const pressed = name(event);
      if (event.defaultPrevented || event.altKey || (isTyping(event.target) && !pressed.startsWith('Ctrl+'))) return;
      if (pressed === 'Space' && event.target instanceof HTMLElement && event.target.closest('button, a, summary, input')) return;
      if (document.querySelector('dialog[open]') && pressed !== 'Ctrl+K') return;
      const handler = latest.current[prefix + pressed];
      prefix = pressed === 'g' ? 'g ' : '';
      if (handler && handler() !== false) event.preventDefault();
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}
