// When each step ran: a waterfall with queue times and attempts, its idle stretches squeezed. Ctrl+wheel zooms, dragging
// moves; the Steps tab has the same as a table.
import { useEffect, useMemo, useRef, useState, type MouseEvent, type WheelEvent } from 'react';
import { count, duration } from '../common/format';
import { useNow } from '../common/useNow';
import type { RunModel } from '../model/run';
import { criticalPath, type Span } from '../model/spans';
import { timeScale, type TimeScale } from '../model/timeScale';
import { paint } from './drawTimeline';
import { TimelineOverview } from './TimelineOverview';
import { heightOf, labelWidth, lanes, panned, rowHeight, whole, zoomed, type View } from './timelineLayout';

interface Props {
  model: RunModel;
  version: number;
  untilSequence: number;
  cursorTime: number | null;
  running: boolean;
  onPick: (span: Span) => void;
}

const rightMargin = 10;

export function Timeline({ model, version, untilSequence, cursorTime, running, onPick }: Props) {
  const [squeeze, setSqueeze] = useState(true);
  const [showCritical, setShowCritical] = useState(false);
  const [view, setView] = useState<View>(whole);
  const [width, setWidth] = useState(600);
  const [hovered, setHovered] = useState<Span | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<{ x: number; view: View; moved: boolean } | null>(null);
  const now = useNow(running, 500);

  const all = useMemo(() => lanes(model.spans), [model, version]);
  const scale = useMemo(() => {
    const first = model.events[0]?.at ?? 0;
    const last = Math.max(model.last?.at ?? 1, running && model.spans.some(span => span.end === null) ? now : 0);
    return timeScale(model.spans, first, last, squeeze);
  }, [model, version, squeeze, running, now]);
  const critical = useMemo(() => (showCritical ? criticalPath(model.spans) : null), [model, version, showCritical]);
  const height = heightOf(all);
  const usable = width - labelWidth - rightMargin;
  const toX = (time: number) => labelWidth + ((scale.position(time) - view.from) / (view.to - view.from)) * usable;

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const target = canvas.current!;
    const density = devicePixelRatio || 1;
    target.width = width * density;
    target.height = height * density;
    const context = target.getContext('2d');
    if (!context) return;
    context.scale(density, density);
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    paint(context, { lanes: all, scale, toX, width, height, critical, untilSequence, now: scale.to }, colour);
  });

  const spanUnder = (event: MouseEvent): Span | null => {
    const bounds = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const lane = all.find(candidate => y >= candidate.top && y < candidate.top + candidate.rows.length * rowHeight);
    const row = lane?.rows[Math.floor((y - lane.top) / rowHeight)];
    let found: Span | null = null;
    for (const span of row ?? []) if (toX(span.start) - 3 <= x && toX(span.end ?? scale.to) + 3 >= x) found = span;
    return found;
  };
  const zoom = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    const bounds = canvas.current!.getBoundingClientRect();
    const around = Math.max(0, Math.min(1, (event.clientX - bounds.left - labelWidth) / usable));
    setView(zoomed(view, around, event.deltaY > 0 ? 1.25 : 0.8));
  };
  const move = (event: MouseEvent) => {
    if (!drag.current) return setHovered(spanUnder(event));
    const by = (drag.current.x - event.clientX) / usable;
    if (Math.abs(drag.current.x - event.clientX) > 3) drag.current.moved = true;
    setView(panned(drag.current.view, by));
  };
  const release = (event: MouseEvent) => {
    const moved = drag.current?.moved;
    drag.current = null;
    const span = moved ? null : spanUnder(event);
    if (span) onPick(span);
  };
  return (
    <section className="timeline" aria-label="Timeline">
      <div className="bar">
        <h3>Timeline</h3>
        <label>
          <input type="checkbox" checked={squeeze} onChange={event => setSqueeze(event.target.checked)} /> squeeze idle time
        </label>
        <label>
          <input type="checkbox" checked={showCritical} onChange={event => setShowCritical(event.target.checked)} /> critical path
        </label>
        <span className="grow" />
        <button className="quiet" onClick={() => setView(zoomed(view, 0.5, 0.6))} aria-label="Zoom in">
          +
        </button>
        <button className="quiet" onClick={() => setView(zoomed(view, 0.5, 1.6))} aria-label="Zoom out">
          −
        </button>
        <button className="quiet" onClick={() => setView(whole)} disabled={view.from === 0 && view.to === 1}>
          All
        </button>
      </div>
      <div className="timeline-box" ref={box} tabIndex={0} role="img" aria-label={`${model.spans.length} executions of ${all.length} steps; the Steps tab has them as a table`}>
        <canvas
          ref={canvas}
          style={{ width: '100%', height }}
          onWheel={zoom}
          onMouseDown={event => (drag.current = { x: event.clientX, view, moved: false })}
          onMouseMove={move}
          onMouseUp={release}
          onMouseLeave={() => {
            setHovered(null);
            drag.current = null;
          }}
        />
        {cursorTime !== null && <div className="timeline-cursor" style={{ height, transform: `translateX(${Math.max(labelWidth, toX(cursorTime))}px)` }} />}
      </div>
      {model.spans.length > 1 && <TimelineOverview spans={model.spans} version={version} scale={scale} width={Math.max(1, usable)} view={view} setView={setView} />}
      <p className="timeline-hint muted">{hovered ? describe(hovered) : `${count(model.spans.length)} ${model.spans.length === 1 ? 'execution' : 'executions'}${squeezed(scale)}`}</p>
    </section>
  );
}

function squeezed({ gaps }: TimeScale): string {
  if (gaps.length === 0) return '';
  const idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  return `, ${duration(idle)} in which nothing ran squeezed`;
}

function describe(span: Span): string {
  const took = span.end === null ? 'running' : duration(span.end - span.start);
  const waited = span.start > span.queuedAt ? `, queued ${duration(span.start - span.queuedAt)}` : '';
  const attempt = span.attempt > 1 ? `, attempt ${span.attempt}` : '';
  return `${span.step} on worker ${span.worker}: ${took}${waited}${attempt}, ${span.input} → ${span.error ? span.error.message : (span.output ?? span.outcome)}`;
}
