// Executions of steps: one span per attempt, from the worker's start to its end.
import { isA, stepChange, type RunEvent } from './event';

export interface Span {
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
    const slot = `${step.name}\n${step.worker}`;
    if (step.state === 'preparing') {
      const times = this.queued.get(step.name) ?? [];
      times.push(event.at);
      this.queued.set(step.name, times);
    } else if (step.state === 'running') {
      const attempt = event.trace?.attempt ?? 1;
      const again = attempt > 1 || event.trace?.resumed;
      const queuedAt = (again ? undefined : this.queued.get(step.name)?.shift()) ?? event.at;
      const span: Span = {
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

/**
 * The chain of spans that the run's length comes from: from the last one to end back to the one whose end let it begin,
 * preferring the one that returned the event it took.
 */
export function criticalPath(spans: Span[]): Set<Span> {
  const ended = spans.filter(span => span.end !== null).sort((a, b) => a.end! - b.end!);
  const path = new Set<Span>();
  let last = ended.length - 1;
  while (last >= 0) {
    const span = ended[last];
    path.add(span);
    let before = last - 1;
    while (before >= 0 && ended[before].end! > span.queuedAt) before--;
    let cause = before;
    for (let i = before; i >= 0 && i > before - 64; i--)
      if (ended[i].output === span.input || (ended[i].step === span.step && ended[i].outcome === 'failed')) {
        cause = i;
        break;
      }
    last = cause;
  }
  return path;
}
