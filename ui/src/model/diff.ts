// What differs between two JSON values, and which events of two runs correspond.
import { stepChange, type RunEvent } from './event';
import { toJson } from '../common/json';

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

/** What of an event is compared: its payload; of a step that ended what it took and returned, whichever worker it was. */
function content(event: RunEvent): unknown {
  const step = stepChange(event);
  return step ? { took: step.input, returned: step.output, error: event.trace?.error?.exception_message ?? null } : event.value;
}

function pairOf(left: RunEvent | null, right: RunEvent | null): Pair {
  return { left, right, differences: left && right ? differences(content(left), content(right)) : [] };
}

/** What people see of a run's way: its own events, and every step that ended. */
const compared = (events: RunEvent[]) => events.filter(event => !event.internal || stepChange(event)?.state === 'not_running');

/** Events of one kind may correspond: of one type, or ends of one step. */
const kindOf = (event: RunEvent) => (event.type === 'StepStateChanged' ? `step ${String(event.value.name)}` : event.type);

/** The longest common sequence of kinds: right for runs whose order means something. */
function alignInOrder(left: RunEvent[], right: RunEvent[]): Pair[] {
  const kinds = [left.map(kindOf), right.map(kindOf)];
  const width = right.length + 1;
  const longest = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      longest[i * width + j] =
        kinds[0][i] === kinds[1][j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  const pairs: Pair[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && kinds[0][i] === kinds[1][j]) pairs.push(pairOf(left[i++], right[j++]));
    else if (j >= right.length || (i < left.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1]))
      pairs.push(pairOf(left[i++], null));
    else pairs.push(pairOf(null, right[j++]));
  }
  return pairs;
}

/** Equal payloads first, then equal kinds in order: right for fan-outs, whose members come in any order. */
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
  const whole = (event: RunEvent) => kindOf(event) + toJson(content(event));
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
  match(kindOf);
  const pairs = left.map(event => pairOf(event, partner.get(event) ?? null));
  return [...pairs, ...right.filter(event => !used.has(event)).map(event => pairOf(null, event))];
}

export const alignedMax = 2000;

export function align(left: RunEvent[], right: RunEvent[], anyOrder: boolean): Pair[] {
  const [a, b] = [compared(left).slice(0, alignedMax), compared(right).slice(0, alignedMax)];
  return anyOrder ? alignAnyOrder(a, b) : alignInOrder(a, b);
}
