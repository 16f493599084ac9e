// What the browser remembers for this page. Everything works without it.
import { parseJson, toJson } from '../common/json';

export function remembered<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`weir.${name}`);
    return text === null ? fallback : (parseJson(text) as T);
  } catch {
    return fallback;
  }
}

export function remember(name: string, value: unknown) {
  try {
    if (value === undefined) localStorage.removeItem(`weir.${name}`);
    else localStorage.setItem(`weir.${name}`, toJson(value));
  } catch {
    // private mode, or full: not remembered
  }
}
