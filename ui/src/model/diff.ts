// What differs between two JSON values, and which events of two runs correspond.
import type { RunEvent } from './event';

export interface Difference {
  path: string;
  left: unknown; // undefined: absent
  right: unknown;
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

export function differences(left: unknown, right: unknown, path = '', out: Difference[] = []): Difference[] {
  if (Object.is(left, right)) return out;
  if (!isContainer(left) || !isContainer(right) || Array.isArray(left) !== Array.isArray(right)) {
    out.push({ path: path || '(whole value)', left, right });
    return out;
  }
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const step = Array.isArray(left) ? `[${key}]` : path ? `.${key}` : key;
    differences(left[key], right[key], path + step, out);
  }
  return out;
}

export interface Pair {
  left: RunEvent | null;
  right: RunEvent | null;
  differences: Difference[];
}

function pairOf(left: RunEvent | null, right: RunEvent | null): Pair {
  return { left, right, differences: left && right ? differences(left.value, right.value) : [] };
}

const compared = (events: RunEvent[]) => events.filter(event => !event.internal);

/** The longest common sequence of types: right for runs whose order means something. */
function alignInOrder(left: RunEvent[], right: RunEvent[]): Pair[] {
  const width = right.length + 1;
  const longest = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      longest[i * width + j] =
        left[i].type === right[j].type
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  const pairs: Pair[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i].type === right[j].type) pairs.push(pairOf(left[i++], right[j++]));
    else if (j >= right.length || (i < left.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1]))
      pairs.push(pairOf(left[i++], null));
    else pairs.push(pairOf(null, right[j++]));
  }
  return pairs;
}

/** Equal payloads first, then equal types in order: right for fan-outs, whose members come in any order. */
function alignAnyOrder(left: RunEvent[], right: RunEvent[]): Pair[] {
  const take = (pool: Map<string, RunEvent[]>, key: string) => pool.get(key)?.shift();
  const pool = (events: RunEvent[], key: (event: RunEvent) => string) => {
    const out = new Map<string, RunEvent[]>();
    for (const event of events) {
      const list = out.get(key(event)) ?? [];
      list.push(event);
      out.set(key(event), list);
    }
    return out;
  };
  const whole = (event: RunEvent) => event.type + JSON.stringify(event.value);
  const partner = new Map<RunEvent, RunEvent>();
  const used = new Set<RunEvent>();
  const match = (key: (event: RunEvent) => string) => {
    const candidates = pool(
      right.filter(event => !used.has(event)),
      key,
    );
    for (const event of left) {
      if (partner.has(event)) continue;
      const found = take(candidates, key(event));
      if (!found) continue;
      partner.set(event, found);
      used.add(found);
    }
  };
  match(whole);
  match(event => event.type);
  const pairs = left.map(event => pairOf(event, partner.get(event) ?? null));
  return [...pairs, ...right.filter(event => !used.has(event)).map(event => pairOf(null, event))];
}

export const alignedMax = 2000;

export function align(left: RunEvent[], right: RunEvent[], anyOrder: boolean): Pair[] {
  const [a, b] = [compared(left).slice(0, alignedMax), compared(right).slice(0, alignedMax)];
  return anyOrder ? alignAnyOrder(a, b) : alignInOrder(a, b);
}
