// Time on the timeline: stretches in which nothing runs are squeezed.
import type { Span } from './spans';

export interface Gap {
  from: number;
  to: number;
}

/** Stretches longer than `min` in which no step runs. `spans` are in order of their start. */
export function idleGaps(spans: Span[], end: number, min: number): Gap[] {
  const gaps: Gap[] = [];
  let busyUntil = spans[0]?.start ?? 0;
  for (const span of spans) {
    if (span.start - busyUntil > min) gaps.push({ from: busyUntil, to: span.start });
    busyUntil = Math.max(busyUntil, span.end ?? end);
  }
  if (end - busyUntil > min) gaps.push({ from: busyUntil, to: end });
  return gaps;
}

export interface TimeScale {
  from: number;
  to: number;
  gaps: Gap[];
  position(time: number): number; // 0 at `from`, 1 at `to`
}

export function timeScale(spans: Span[], from: number, to: number, squeeze: boolean): TimeScale {
  const length = Math.max(1, to - from);
  const gaps = squeeze ? idleGaps(spans, to, Math.max(1000, length * 0.08)) : [];
  const idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const busy = Math.max(1, length - idle);
  const squeezed = busy * 0.05;
  const total = busy + gaps.length * squeezed;
  const position = (time: number) => {
    let at = time - from;
    for (const gap of gaps) {
      const width = gap.to - gap.from;
      if (time >= gap.to) at += squeezed - width;
      else if (time > gap.from) at += (squeezed * (time - gap.from)) / width - (time - gap.from);
    }
    return at / total;
  };
  return { from, to, gaps, position };
}
