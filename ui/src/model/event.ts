// One entry of a run's event log, as the views use it.
import type { Schemas } from '../api/types';

export type WireEvent = Schemas['LoggedEvent'];
export type StepTrace = Schemas['StepTrace'];

export interface RunEvent {
  sequence: number;
  at: number; // milliseconds since 1970
  type: string;
  types: string[];
  value: Record<string, unknown>;
  internal: boolean;
  span: number | null; // the piece of a step's work that it is about or comes from; null: none, or the server does not say
  causedBy: number | null; // whose event began that piece of work
  trace: StepTrace | null;
}

export interface StepChange {
  name: string;
  state: 'preparing' | 'running' | 'not_running';
  worker: string;
  input: string;
  output: string | null;
}

const internalTypes = new Set(['StepStateChanged', 'EventsQueueChanged', 'WorkflowIdleEvent', 'UnhandledEvent', 'InternalDispatchEvent']);

/** The last part of a dotted name; Python's `<class 'a.B'>` is `B`. */
export function plainName(name: string | null | undefined): string {
  const inner = /^<class '(.*)'>$/.exec(name ?? '')?.[1] ?? name ?? '';
  return inner.slice(inner.lastIndexOf('.') + 1);
}

/** `sequence` and `at` are for servers that do not send them. */
export function toRunEvent(wire: WireEvent, sequence = 0, at = Date.now()): RunEvent {
  const types = wire.types ?? [];
  return {
    sequence: wire.sequence ?? sequence,
    at: wire.timestamp ? Date.parse(wire.timestamp) : at,
    type: wire.type,
    types,
    value: (wire.value ?? {}) as Record<string, unknown>,
    internal: internalTypes.has(wire.type) || types.includes('InternalDispatchEvent'),
    span: wire.span_id ?? null,
    causedBy: wire.caused_by ?? null,
    trace: wire.trace ?? null,
  };
}

export function isA(event: RunEvent, type: string): boolean {
  return event.type === type || event.types.includes(type);
}

export function stepChange(event: RunEvent): StepChange | null {
  if (event.type !== 'StepStateChanged') return null;
  const value = event.value;
  const output = value.output_event_name;
  return {
    name: String(value.name),
    state: value.step_state as StepChange['state'],
    worker: String(value.worker_id),
    input: plainName(value.input_event_name as string | null),
    output: output === null || output === undefined ? null : plainName(String(output)),
  };
}
