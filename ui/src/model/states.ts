// What every step of a run is doing after a number of events.
import { isA, plainName, stepChange, type RunEvent } from './event';

export interface StepState {
  queued: number;
  running: number;
  waiting: number; // bodies that gave their worker back until an event comes
  retrying: number;
  done: number;
  failed: number; // attempts
  unhandled: number; // events that nobody took, of event nodes
}

/** Steps by name, events by `event:TYPE`. */
export type States = Map<string, StepState>;

export const nothing: StepState = { queued: 0, running: 0, waiting: 0, retrying: 0, done: 0, failed: 0, unhandled: 0 };
export const eventKey = (type: string) => `event:${type}`;

function change(states: States, key: string, by: Partial<StepState>) {
  const state = { ...(states.get(key) ?? nothing) };
  for (const [name, amount] of Object.entries(by) as [keyof StepState, number][]) state[name] = Math.max(0, state[name] + amount);
  states.set(key, state);
}

function applyStep(states: States, event: RunEvent) {
  const step = stepChange(event)!;
  const trace = event.trace;
  if (step.state === 'preparing') return change(states, step.name, { queued: 1 });
  if (step.state === 'running') {
    const before = states.get(step.name) ?? nothing;
    const left: Partial<StepState> = trace?.resumed
      ? { waiting: -1 }
      : (trace?.attempt ?? 1) > 1 && before.retrying > 0
        ? { retrying: -1 }
        : { queued: -1 };
    return change(states, step.name, { running: 1, ...left });
  }
  if (trace?.error) return change(states, step.name, { running: -1, failed: 1, retrying: trace.retry_at ? 1 : 0 });
  if (trace?.waits_for) return change(states, step.name, { running: -1, waiting: 1 });
  change(states, step.name, { running: -1, done: 1 });
}

export function apply(states: States, event: RunEvent) {
  if (event.type === 'StepStateChanged') return applyStep(states, event);
  if (event.type === 'UnhandledEvent') return change(states, eventKey(plainName(String(event.value.event_type))), { unhandled: 1 });
  if (!event.internal) change(states, eventKey(event.type), { done: 1 });
  if (isA(event, 'StopEvent'))
    for (const [key, state] of states)
      if (state.running || state.queued || state.waiting || state.retrying)
        states.set(key, { ...state, running: 0, queued: 0, waiting: 0, retrying: 0 });
}

export type Look = 'idle' | 'queued' | 'running' | 'waiting' | 'retrying' | 'failed' | 'done';

export function look(state: StepState | undefined): Look {
  if (!state) return 'idle';
  if (state.running) return 'running';
  if (state.retrying) return 'retrying';
  if (state.waiting) return 'waiting';
  if (state.queued) return 'queued';
  if (state.done) return 'done';
  return state.failed ? 'failed' : 'idle';
}
