// Paints the timeline. Spans narrower than a pixel are painted once per pixel.
import { duration } from '../common/format';
import type { Span } from '../model/spans';
import type { TimeScale } from '../model/timeScale';
import { headHeight, labelWidth, rowHeight, type Lane } from './timelineLayout';

export interface Painting {
  lanes: Lane[];
  scale: TimeScale;
  toX: (time: number) => number;
  width: number;
  height: number;
  critical: Set<Span> | null;
  untilSequence: number; // later spans are not there yet
  now: number;
}

type Colour = (name: string) => string;

function paintGaps(canvas: CanvasRenderingContext2D, painting: Painting, colour: Colour) {
  for (const gap of painting.scale.gaps) {
    const [from, to] = [painting.toX(gap.from), painting.toX(gap.to)];
    canvas.fillStyle = colour('--gap');
    canvas.fillRect(from, headHeight, to - from, painting.height);
    canvas.fillStyle = colour('--muted');
    canvas.fillText(`${duration(gap.to - gap.from)} idle`, Math.max(labelWidth, from + 3), headHeight / 2);
  }
}

const outcomeColours: Record<Span['outcome'], string> = {
  running: '--accent',
  returned: '--ok',
  failed: '--error',
  waiting: '--wait',
  stopped: '--muted',
};

function paintRow(canvas: CanvasRenderingContext2D, row: Span[], top: number, painting: Painting, colour: Colour) {
  const shown = row.filter(span => span.startSequence <= painting.untilSequence);
  canvas.fillStyle = colour('--queue');
  for (const span of shown) {
    if (span.start - span.queuedAt <= 0) continue;
    const from = Math.max(labelWidth, painting.toX(span.queuedAt));
    canvas.fillRect(from, top + rowHeight / 2 - 2, Math.max(0, painting.toX(span.start) - from), 3);
  }
  let painted = -1;
  for (const span of shown) {
    const ended = span.endSequence !== null && span.endSequence <= painting.untilSequence;
    const from = Math.max(labelWidth, painting.toX(span.start));
    const end = painting.toX(ended ? span.end! : painting.now);
    const to = Math.max(from + 1.5, end);
    if (end < labelWidth || from > painting.width || (to - from < 2 && Math.floor(from) === painted)) continue;
    painted = Math.floor(from);
    canvas.fillStyle = colour(outcomeColours[ended ? span.outcome : 'running']);
    canvas.globalAlpha = painting.critical && !painting.critical.has(span) ? 0.3 : 1;
    canvas.fillRect(from, top + 1, to - from, rowHeight - 4);
    if (span.attempt > 1 && to - from > 14) {
      canvas.fillStyle = colour('--bg');
      canvas.fillText(`${span.attempt}`, from + 3, top + rowHeight / 2 - 1);
    }
    canvas.globalAlpha = 1;
  }
}

export function paint(canvas: CanvasRenderingContext2D, painting: Painting, colour: Colour) {
  canvas.fillStyle = colour('--bg-2');
  canvas.fillRect(0, 0, painting.width, painting.height);
  canvas.font = '11px system-ui, sans-serif';
  canvas.textBaseline = 'middle';
  paintGaps(canvas, painting, colour);
  for (const lane of painting.lanes) {
    lane.rows.forEach((row, index) => paintRow(canvas, row, lane.top + index * rowHeight, painting, colour));
    canvas.fillStyle = colour('--fg');
    canvas.fillText(lane.step.length > 18 ? `${lane.step.slice(0, 17)}…` : lane.step, 8, lane.top + rowHeight / 2);
  }
}
