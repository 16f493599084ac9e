// How busy a run was: how many executions were at work in each of some equal parts of its time.
import type { Span } from './spans';
import type { TimeScale } from './timeScale';

export interface Density {
  atWork: number[];
  failed: boolean[]; // an attempt failed in that part
  most: number;
}

export function density(spans: Span[], scale: TimeScale, parts: number): Density {
  const part = (time: number) => Math.max(0, Math.min(parts - 1, Math.floor(scale.position(time) * parts)));
  const change = new Array<number>(parts + 1).fill(0);
  const failed = new Array<boolean>(parts).fill(false);
  for (const span of spans) {
    const last = part(span.end ?? scale.to);
    change[part(span.start)]++;
    change[last + 1]--;
    if (span.outcome === 'failed') failed[last] = true;
  }
  let sum = 0;
  const atWork = change.slice(0, parts).map(by => (sum += by));
  return { atWork, failed, most: atWork.reduce((most, count) => Math.max(most, count), 0) };
}
