// Where an event comes from and what it led to.
import { stepChange, type RunEvent } from './event';
import type { Span } from './spans';

export interface Lineage {
  producer?: Span; // published or returned it, or began what it is about
  consumer?: Span; // took it
}

/** Of a server that says it. */
function told(spans: Span[], event: RunEvent): Lineage {
  const from = stepChange(event) ? event.causedBy : event.span;
  if (from === null) return {};
  const producer = spans.findLast(span => span.id === from && span.startSequence < event.sequence);
  const consumer = spans.find(span => span.causedBy === from && span.startSequence > event.sequence && span.input === event.type);
  return { producer, consumer };
}

/** By what was at work, and who took one of its type next. */
function guessed(spans: Span[], event: RunEvent): Lineage {
  if (stepChange(event)) return {};
  const atWork = (span: Span) => span.endSequence === null || span.endSequence >= event.sequence;
  const justReturnedIt = (span: Span) => span.endSequence === event.sequence - 1 && span.output === event.type;
  const producer = spans.findLast(span => span.startSequence < event.sequence && (atWork(span) || justReturnedIt(span)));
  const consumer = spans.find(span => span.startSequence > event.sequence && span.input === event.type);
  return { producer, consumer };
}

export const lineage = (spans: Span[], event: RunEvent): Lineage => (spans.some(span => span.id !== null) ? told(spans, event) : guessed(spans, event));
