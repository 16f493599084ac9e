// Executions of steps: one span per attempt, from the worker's start to its end. Where the server does not say which events
// belong together, they are paired by step and worker.
import { isA, stepChange, type RunEvent } from './event';

export interface Span {
  id: number | null; // shared by the attempts of one piece of work; null: the server does not say
  causedBy: number | null;
  step: string;
  worker: string;
  attempt: number;
  queuedAt: number;
  start: number;
  end: number | null;
  startSequence: number;
  endSequence: number | null;
  input: string;
  output: string | null;
  outcome: 'running' | 'returned' | 'failed' | 'waiting' | 'stopped';
  error: { type: string; message: string } | null;
  retryAt: number | null;
}

export class Spans {
  readonly all: Span[] = [];
  private open = new Map<string, Span>();
  private queued = new Map<string, number[]>();

  push(event: RunEvent) {
    if (event.type === 'StepStateChanged') this.change(event);
    else if (isA(event, 'StopEvent')) this.stop(event);
  }

  private change(event: RunEvent) {
    const step = stepChange(event)!;
    const slot = event.span === null ? `${step.name}\n${step.worker}` : `#${event.span}`;
    const queue = event.span === null ? step.name : slot;
    if (step.state === 'preparing') {
      const times = this.queued.get(queue) ?? [];
      times.push(event.at);
      this.queued.set(queue, times);
    } else if (step.state === 'running') {
      const attempt = event.trace?.attempt ?? 1;
      const again = attempt > 1 || event.trace?.resumed;
      const queuedAt = (again ? undefined : this.queued.get(queue)?.shift()) ?? event.at;
      const span: Span = {
        id: event.span,
        causedBy: event.causedBy,
        step: step.name,
        worker: step.worker,
        attempt,
        queuedAt,
        start: event.at,
        end: null,
        startSequence: event.sequence,
        endSequence: null,
        input: step.input,
        output: null,
        outcome: 'running',
        error: null,
        retryAt: null,
      };
      this.all.push(span);
      this.open.set(slot, span);
    } else {
      const span = this.open.get(slot);
      this.open.delete(slot);
      if (span) this.close(span, event, step.output);
    }
  }

  private close(span: Span, event: RunEvent, output: string | null) {
    span.end = event.at;
    span.endSequence = event.sequence;
    span.output = output;
    span.outcome = event.trace?.error ? 'failed' : event.trace?.waits_for ? 'waiting' : 'returned';
    if (event.trace?.error) span.error = { type: event.trace.error.exception_type, message: event.trace.error.exception_message };
    if (event.trace?.retry_at) span.retryAt = Date.parse(event.trace.retry_at);
  }

  /** The run is over: nothing can still be running. */
  private stop(event: RunEvent) {
    for (const span of this.open.values()) Object.assign(span, { end: event.at, endSequence: event.sequence, outcome: 'stopped' });
    this.open.clear();
  }
}

export interface StepStatistics {
  step: string;
  count: number;
  failed: number;
  mean: number;
  max: number;
  queued: number; // mean time in the queue
}

/** Of what `end` is up to: spans that began later do not count. */
export function statistics(spans: Span[], untilSequence = Infinity): StepStatistics[] {
  const byStep = new Map<string, StepStatistics & { ended: number }>();
  for (const span of spans) {
    if (span.startSequence > untilSequence) break;
    const row = byStep.get(span.step) ?? { step: span.step, count: 0, failed: 0, mean: 0, max: 0, queued: 0, ended: 0 };
    byStep.set(span.step, row);
    row.count++;
    row.queued += (span.start - span.queuedAt - row.queued) / row.count;
    if (span.outcome === 'failed') row.failed++;
    if (span.end === null) continue;
    row.ended++;
    row.mean += (span.end - span.start - row.mean) / row.ended;
    row.max = Math.max(row.max, span.end - span.start);
  }
  return [...byStep.values()];
}

/** The span that let this one begin: its own last attempt, or the one whose event it took. */
function causeOf(span: Span, byId: Map<number, Span[]>, ended: Span[]): Span | undefined {
  const earlier = (other: Span) => other.startSequence < span.startSequence;
  const told = (id: number | null) => (id === null ? undefined : byId.get(id)?.findLast(earlier));
  return told(span.id) ?? told(span.causedBy) ?? guessedCause(span, ended);
}

/** The index of the last to end by that time; `ended` is in the order of ends. */
function lastEnded(ended: Span[], time: number, except: Span): number {
  let low = 0;
  let high = ended.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ended[middle].end! <= time) low = middle + 1;
    else high = middle;
  }
  return ended[low - 1] === except ? low - 2 : low - 1;
}

/** Among the last to end before this one was queued, the one that returned what it took. */
function guessedCause(span: Span, ended: Span[]): Span | undefined {
  const before = lastEnded(ended, span.queuedAt, span);
  const returnedIt = (other: Span) => other.output === span.input || (other.step === span.step && other.outcome === 'failed');
  return ended.slice(Math.max(0, before - 63), before + 1).findLast(returnedIt) ?? ended[before];
}

/** The chain of spans that the run's length comes from: from the last one to end back to the ones that let it begin. */
export function criticalPath(spans: Span[]): Set<Span> {
  const ended = spans.filter(span => span.end !== null).sort((a, b) => a.end! - b.end!);
  const byId = new Map<number, Span[]>();
  for (const span of spans) {
    if (span.id === null) continue;
    const known = byId.get(span.id);
    if (known) known.push(span);
    else byId.set(span.id, [span]);
  }
  const path = new Set<Span>();
  for (let span = ended.at(-1); span && !path.has(span); span = causeOf(span, byId, ended)) path.add(span);
  return path;
}
