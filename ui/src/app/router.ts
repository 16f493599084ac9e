// Hash routes: the page's paths never meet the API's, and need nothing of the server.
import { useSyncExternalStore } from 'react';
import { segment } from '../common/segment';

export interface Route {
  path: string[];
  query: URLSearchParams;
}

export type QueryValues = Record<string, string | undefined>;

/** What somebody has typed, or a mail program has cut, may be no encoding: then it stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Split first, then decoded, once: a name may hold every character. */
export function parseHash(hash: string): Route {
  const [, path, query] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash)!;
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

const parse = () => parseHash(location.hash);

let current = parse();
let shown = location.hash;
const listeners = new Set<() => void>();

function changed() {
  if (location.hash === shown) return;
  shown = location.hash;
  current = parse();
  for (const listener of listeners) listener();
}
window.addEventListener('hashchange', changed);

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export const useRoute = () => useSyncExternalStore(subscribe, () => current);

export function href(path: string[], query: QueryValues = {}): string {
  const values = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const text = new URLSearchParams(values).toString();
  return '#/' + path.map(segment).join('/') + (text ? `?${text}` : '');
}

/** Goes there at once: the browser's own event comes later, and would undo what was opened meanwhile. */
export function go(path: string[], query: QueryValues = {}) {
  location.hash = href(path, query);
  changed();
}

/** Changes some of the query without a step in the browser's history. */
export function setQuery(values: QueryValues) {
  const query = { ...Object.fromEntries(current.query), ...values };
  history.replaceState(null, '', href(current.path, query));
  changed();
}

export const runPath = (workflow: string, handlerId: string) => ['w', workflow, 'r', handlerId];
