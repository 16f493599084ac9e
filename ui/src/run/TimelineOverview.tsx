// The whole run below the timeline: drag over a part to see that part alone, drag the part to move it, double-click for all.
import { useEffect, useMemo, useRef, type PointerEvent } from 'react';
import { density } from '../model/density';
import type { Span } from '../model/spans';
import type { TimeScale } from '../model/timeScale';
import { between, labelWidth, panned, whole, type View } from './timelineLayout';

interface Props {
  spans: Span[];
  version: number;
  scale: TimeScale;
  width: number;
  view: View;
  setView: (view: View) => void;
}

const height = 22;

export function TimelineOverview({ spans, version, scale, width, view, setView }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<{ from: number; moves: View | null } | null>(null);
  const columns = Math.max(1, Math.floor(width));
  const busy = useMemo(() => density(spans, scale, columns), [spans, version, scale, columns]);

  useEffect(() => {
    const context = canvas.current!.getContext('2d');
    if (!context) return;
    const style = getComputedStyle(document.documentElement);
    const [failed, atWork] = ['--error', '--accent'].map(name => style.getPropertyValue(name));
    context.clearRect(0, 0, columns, height);
    busy.atWork.forEach((count, column) => {
      if (count === 0 && !busy.failed[column]) return;
      const tall = Math.max(2, (count / Math.max(1, busy.most)) * (height - 2));
      context.fillStyle = busy.failed[column] ? failed : atWork;
      context.fillRect(column, height - tall, 1, tall);
    });
  });

  const at = (event: PointerEvent) => {
    const bounds = canvas.current!.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - bounds.left) / bounds.width));
  };
  const begin = (event: PointerEvent) => {
    const from = at(event);
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { from, moves: view.to - view.from < 1 && from >= view.from && from <= view.to ? view : null };
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    const { from, moves } = drag.current;
    const to = at(event);
    if (moves) setView(panned(moves, (to - from) / (moves.to - moves.from)));
    else if (Math.abs(to - from) * width > 3) setView(between(from, to));
  };
  return (
    <div
      className="timeline-overview"
      data-testid="timeline-overview"
      style={{ marginLeft: labelWidth, width, height }}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={() => (drag.current = null)}
      onPointerCancel={() => (drag.current = null)}
      onDoubleClick={() => setView(whole)}
    >
      <canvas ref={canvas} width={columns} height={height} aria-hidden="true" />
      <div className="timeline-window" style={{ left: `${view.from * 100}%`, width: `${(view.to - view.from) * 100}%` }} />
    </div>
  );
}
