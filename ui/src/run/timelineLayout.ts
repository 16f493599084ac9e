// Where spans go on the timeline: a lane per step, a row per worker at work at the same time.
import type { Span } from '../model/spans';

export const rowHeight = 15;
export const headHeight = 20;
export const labelWidth = 128;
const laneGap = 7;
const rowsMax = 8; // of a lane

export interface Lane {
  step: string;
  rows: Span[][];
  top: number;
}

/** Spans in order of their start. */
export function lanes(spans: Span[]): Lane[] {
  const byStep = new Map<string, Span[][]>();
  for (const span of spans) {
    const rows = byStep.get(span.step) ?? [];
    byStep.set(span.step, rows);
    let row = rows.find(candidate => {
      const last = candidate[candidate.length - 1];
      return last.end !== null && last.end <= span.start;
    });
    if (!row && rows.length < rowsMax) rows.push((row = []));
    (row ?? rows[rows.length - 1]).push(span);
  }
  let top = headHeight;
  return [...byStep].map(([step, rows]) => {
    const lane = { step, rows, top };
    top += rows.length * rowHeight + laneGap;
    return lane;
  });
}

export function heightOf(all: Lane[]): number {
  const last = all[all.length - 1];
  return last ? last.top + last.rows.length * rowHeight + laneGap : 60;
}

export interface View {
  from: number; // parts of the whole, 0 to 1
  to: number;
}

export const whole: View = { from: 0, to: 1 };
const narrowest = 1e-4;

export function between(a: number, b: number): View {
  const from = Math.max(0, Math.min(a, b));
  return { from: Math.min(from, 1 - narrowest), to: Math.min(1, Math.max(a, b, from + narrowest)) };
}

export function zoomed(view: View, around: number, factor: number): View {
  const width = Math.min(1, Math.max(narrowest, (view.to - view.from) * factor));
  const centre = view.from + around * (view.to - view.from);
  const from = Math.max(0, Math.min(1 - width, centre - around * width));
  return { from, to: from + width };
}

export function panned(view: View, by: number): View {
  const width = view.to - view.from;
  const from = Math.max(0, Math.min(1 - width, view.from + by * width));
  return { from, to: from + width };
}
