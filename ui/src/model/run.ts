// A run as a sequence of events, and everything the views derive from it. Events live outside React; `version` tells that
// there are more.
import { isA, type RunEvent } from './event';
import { Spans, type Span } from './spans';
import { apply, type States } from './states';

const checkpointEvery = 256;

export class RunModel {
  readonly events: RunEvent[] = [];
  readonly typeCounts = new Map<string, number>();
  version = 0;
  private now: States = new Map();
  private checkpoints: States[] = [new Map()]; // after every 256 events
  private spans_ = new Spans();

  get spans(): Span[] {
    return this.spans_.all;
  }
  get last(): RunEvent | undefined {
    return this.events[this.events.length - 1];
  }
  get lastSequence(): number {
    return this.last?.sequence ?? -1;
  }
  get over(): boolean {
    return this.last !== undefined && isA(this.last, 'StopEvent');
  }

  /** Events that are known already are dropped. False when one is missing between what is known and what came. A run of a handler that
   *  has run before begins behind the events of those runs. */
  push(batch: RunEvent[]): boolean {
    for (const event of batch) {
      if (event.sequence <= this.lastSequence) continue;
      if (this.last && event.sequence !== this.lastSequence + 1) return false;
      this.append(event);
    }
    this.version++;
    return true;
  }

  private append(event: RunEvent) {
    this.events.push(event);
    this.typeCounts.set(event.type, (this.typeCounts.get(event.type) ?? 0) + 1);
    this.spans_.push(event);
    apply(this.now, event);
    if (this.events.length % checkpointEvery === 0) this.checkpoints.push(new Map(this.now));
  }

  /** After the first `count` events. */
  statesAt(count: number): States {
    if (count >= this.events.length) return new Map(this.now);
    const checkpoint = Math.floor(count / checkpointEvery);
    const states = new Map(this.checkpoints[checkpoint]);
    for (let i = checkpoint * checkpointEvery; i < count; i++) apply(states, this.events[i]);
    return states;
  }

  /** How many events there are up to that sequence. */
  countUpTo(sequence: number): number {
    return Math.max(0, Math.min(this.events.length, sequence + 1 - (this.events[0]?.sequence ?? 0)));
  }

  /** The span that an event belongs to: the one that it begins or ends. */
  spanAt(sequence: number): Span | undefined {
    return this.spans.find(span => span.startSequence === sequence || span.endSequence === sequence);
  }
}
