// The model of a run: what steps do after any number of events, spans, alignment, time.
import { describe, expect, it } from 'vitest';
import { density } from '../src/model/density';
import { align, differences } from '../src/model/diff';
import { plainName, toRunEvent, type RunEvent, type StepTrace, type WireEvent } from '../src/model/event';
import { lineage } from '../src/model/lineage';
import { RunModel } from '../src/model/run';
import { criticalPath, statistics } from '../src/model/spans';
import { look } from '../src/model/states';
import { idleGaps, timeScale } from '../src/model/timeScale';

const start = Date.parse('2026-03-01T08:00:00Z');

function wire(sequence: number, type: string, value: Record<string, unknown>, more: Partial<WireEvent> = {}): WireEvent {
  return { sequence, timestamp: new Date(start + sequence * 10).toISOString(), type, qualified_name: null, types: null, value, span_id: null, caused_by: null, trace: null, ...more };
}

function change(sequence: number, name: string, state: string, worker: string, more: { trace?: Partial<StepTrace>; output?: string; input?: string; span?: number; by?: number } = {}) {
  const trace: StepTrace | null = more.trace ? { attempt: 1, resumed: false, error: null, retry_at: null, waits_for: null, ...more.trace } : null;
  const value = { name, step_state: state, worker_id: worker, input_event_name: more.input ?? 'In', output_event_name: more.output ?? null };
  return toRunEvent(wire(sequence, 'StepStateChanged', value, { types: ['InternalDispatchEvent'], trace, span_id: more.span ?? null, caused_by: more.by ?? null }));
}

const stop = (sequence: number) => toRunEvent(wire(sequence, 'StopEvent', { result: 1 }));

function modelOf(events: RunEvent[]) {
  const model = new RunModel();
  expect(model.push(events)).toBe(true);
  return model;
}

const error = { exception_type: 'builtins.ValueError', exception_message: 'broke' };

describe('events', () => {
  it('are named plainly', () => {
    expect(plainName("<class 'workflows.events.StartEvent'>")).toBe('StartEvent');
    expect(plainName('a.B')).toBe('B');
    expect(plainName(null)).toBe('');
  });
});

describe('a run', () => {
  const busy = [
    change(0, 'work', 'running', '0'),
    change(1, 'work', 'preparing', '<enqueued>'),
    change(2, 'work', 'not_running', '0', { output: "<class 'x.Out'>" }),
    change(3, 'work', 'running', '0'),
    change(4, 'work', 'not_running', '0', { output: 'Out' }),
    stop(5),
  ];

  it('drops what it knows already, and says when something is missing', () => {
    const model = modelOf(busy.slice(0, 3));
    expect(model.push(busy.slice(1, 5))).toBe(true);
    expect(model.events.length).toBe(5);
    expect(model.push([stop(7)])).toBe(false);
    expect(model.events.length).toBe(5);
    expect(model.over).toBe(false);
    expect(model.push([stop(5)])).toBe(true);
    expect(model.over).toBe(true);
  });

  it('begins where the run does, behind the events of its handler\'s earlier runs', () => {
    const model = modelOf([]);
    expect(model.push([stop(41)])).toBe(true);
    expect(model.events.length).toBe(1);
    expect(model.countUpTo(41)).toBe(1);
    expect(model.push([stop(43)])).toBe(false);
  });

  it('knows at every moment who is queued, at work, done', () => {
    const model = modelOf(busy);
    const at = (count: number) => model.statesAt(count).get('work')!;
    expect(at(2)).toMatchObject({ running: 1, queued: 1 });
    expect(at(3)).toMatchObject({ running: 0, queued: 1, done: 1 });
    expect(at(4)).toMatchObject({ running: 1, queued: 0 });
    expect(at(6)).toMatchObject({ running: 0, done: 2 });
    expect(model.statesAt(0).size).toBe(0);
  });

  it('tells queue time from run time', () => {
    const [first, second] = modelOf(busy).spans;
    expect(first.queuedAt).toBe(first.start);
    expect(second.start - second.queuedAt).toBe(20);
    expect(second.end! - second.start).toBe(10);
    expect(second.output).toBe('Out');
  });

  it('shows attempts, retries and failures', () => {
    const model = modelOf([
      change(0, 'try', 'running', '0'),
      change(1, 'try', 'not_running', '0', { trace: { error, retry_at: '2026-03-01T08:00:01Z' } }),
      change(2, 'try', 'running', '0', { trace: { attempt: 2 } }),
      change(3, 'try', 'not_running', '0', { output: 'Out', trace: undefined }),
    ]);
    expect(look(model.statesAt(2).get('try'))).toBe('retrying');
    expect(model.statesAt(3).get('try')).toMatchObject({ retrying: 0, running: 1, failed: 1 });
    expect(model.spans.map(span => [span.attempt, span.outcome])).toEqual([
      [1, 'failed'],
      [2, 'returned'],
    ]);
    expect(model.spans[0].error).toEqual({ type: 'builtins.ValueError', message: 'broke' });
    expect(statistics(model.spans)[0]).toMatchObject({ count: 2, failed: 1 });
  });

  it('shows bodies that wait for a person, and that they go on', () => {
    const model = modelOf([
      change(0, 'ask', 'running', '0'),
      change(1, 'ask', 'not_running', '0', { trace: { waits_for: 'Answer' } }),
      change(2, 'ask', 'running', '0', { trace: { resumed: true } }),
    ]);
    expect(look(model.statesAt(2).get('ask'))).toBe('waiting');
    expect(model.statesAt(3).get('ask')).toMatchObject({ waiting: 0, running: 1 });
    expect(model.spans[0].outcome).toBe('waiting');
  });

  it('leaves nothing at work behind its end', () => {
    const model = modelOf([change(0, 'work', 'running', '0'), stop(1)]);
    expect(model.statesAt(2).get('work')).toMatchObject({ running: 0 });
    expect(model.spans[0]).toMatchObject({ outcome: 'stopped', endSequence: 1 });
  });

  it('is the same replayed to any event as folded anew', () => {
    const events: RunEvent[] = [];
    for (let i = 0; i < 1500; i++) {
      const [name, worker] = [`step${i % 7}`, String(i % 3)];
      events.push(i % 2 === 0 ? change(i, name, 'running', worker) : change(i, name, 'not_running', worker, { output: 'Out' }));
    }
    const whole = modelOf(events);
    for (const count of [0, 1, 255, 256, 257, 777, 1024, 1500]) expect(whole.statesAt(count)).toEqual(modelOf(events.slice(0, count)).statesAt(count));
  });
});

describe('the critical path', () => {
  it('goes back from the last end to what let it begin', () => {
    const model = modelOf([
      change(0, 'first', 'running', '0'),
      change(1, 'first', 'not_running', '0', { output: 'Middle' }),
      change(2, 'short', 'running', '0', { input: 'Middle' }),
      change(3, 'long', 'running', '0', { input: 'Middle' }),
      change(4, 'short', 'not_running', '0', { output: 'Nothing' }),
      change(8, 'long', 'not_running', '0', { output: 'StopEvent' }),
    ].map((event, index) => ({ ...event, sequence: index })));
    expect([...criticalPath(model.spans)].map(span => span.step).sort()).toEqual(['first', 'long']);
  });
});

describe('how busy a run was', () => {
  it('is counted in equal parts of its time', () => {
    const model = modelOf([
      change(0, 'a', 'running', '0'),
      change(1, 'a', 'running', '1'),
      change(2, 'a', 'not_running', '1', { trace: { error } }),
      change(3, 'a', 'not_running', '0'),
      stop(4),
    ]);
    const { atWork, failed, most } = density(model.spans, timeScale(model.spans, start, start + 40, false), 4);
    expect([atWork, most]).toEqual([[1, 2, 2, 1], 2]);
    expect(failed).toEqual([false, false, true, false]);
  });
});

describe('what the server says of spans', () => {
  // Two chains of the same steps, crossing: by names alone they would be paired wrongly.
  const model = modelOf([
    change(0, 'make', 'running', '0', { span: 1, input: 'In' }),
    change(1, 'make', 'running', '1', { span: 2, input: 'In' }),
    change(2, 'use', 'preparing', '<enqueued>', { span: 3, by: 1, input: 'Made' }),
    change(3, 'make', 'not_running', '0', { span: 1, output: 'Made' }),
    change(4, 'use', 'preparing', '<enqueued>', { span: 4, by: 2, input: 'Made' }),
    change(5, 'make', 'not_running', '1', { span: 2, output: 'Made' }),
    change(6, 'use', 'running', '0', { span: 4, by: 2, input: 'Made' }),
    toRunEvent(wire(7, 'Note', {}, { span_id: 4 })),
    change(8, 'use', 'not_running', '0', { span: 4, by: 2, output: 'StopEvent' }),
  ]);
  it('tells which was queued, what caused it, and where an event comes from', () => {
    const used = model.spans.find(span => span.step === 'use')!;
    expect(used.queuedAt).toBe(start + 40);
    expect([...criticalPath(model.spans)].map(span => span.id)).toEqual([4, 2]);
    expect(lineage(model.spans, model.events[7]).producer?.id).toBe(4);
    expect(lineage(model.spans, model.events[6]).producer?.id).toBe(2);
    expect(lineage(model.spans, model.events[0]).producer).toBeUndefined();
  });

  it('is guessed for a server that says nothing', () => {
    const plain = modelOf([
      change(0, 'make', 'running', '0'),
      toRunEvent(wire(1, 'Made', {})),
      change(2, 'make', 'not_running', '0', { output: 'Made' }),
      change(3, 'use', 'running', '0', { input: 'Made' }),
    ]);
    expect(lineage(plain.spans, plain.events[1])).toMatchObject({ producer: { step: 'make' }, consumer: { step: 'use' } });
    expect(lineage(plain.spans, plain.events[3])).toEqual({});
  });
});

describe('differences', () => {
  it('name what changed', () => {
    expect(differences({ a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 3 }], d: 4 })).toEqual([
      { path: 'b[1].c', left: 2, right: 3 },
      { path: 'd', left: undefined, right: 4 },
    ]);
    expect(differences([1], { 0: 1 })).toHaveLength(1);
  });

  const event = (sequence: number, type: string, value: Record<string, unknown> = {}) => toRunEvent(wire(sequence, type, value));

  it('align runs in order', () => {
    const pairs = align([event(0, 'A'), event(1, 'B'), event(2, 'C')], [event(0, 'A'), event(1, 'C', { n: 1 })], false);
    expect(pairs.map(pair => [pair.left?.type, pair.right?.type])).toEqual([
      ['A', 'A'],
      ['B', undefined],
      ['C', 'C'],
    ]);
    expect(pairs[2].differences).toHaveLength(1);
  });

  it('align fan-outs in any order', () => {
    const members = (order: number[]) => order.map((n, index) => event(index, 'Part', { n }));
    const inOrder = align(members([1, 2, 3]), members([3, 1, 2]), false);
    expect(inOrder.filter(pair => pair.differences.length > 0)).toHaveLength(3);
    const anyOrder = align(members([1, 2, 3]), members([3, 1, 2]), true);
    expect(anyOrder.filter(pair => pair.differences.length > 0)).toHaveLength(0);
  });
});

describe('time on the timeline', () => {
  const spans = modelOf([
    { ...change(0, 'a', 'running', '0'), at: 0 },
    { ...change(1, 'a', 'not_running', '0', { output: 'X' }), at: 100 },
    { ...change(2, 'b', 'running', '0'), at: 900_100 },
    { ...change(3, 'b', 'not_running', '0', { output: 'Y' }), at: 900_300 },
  ]).spans;

  it('squeezes what is idle', () => {
    expect(idleGaps(spans, 900_300, 1000)).toEqual([{ from: 100, to: 900_100 }]);
    const scale = timeScale(spans, 0, 900_300, true);
    expect(scale.position(0)).toBe(0);
    expect(scale.position(900_300)).toBeCloseTo(1);
    expect(scale.position(100)).toBeGreaterThan(0.25);
    expect(timeScale(spans, 0, 900_300, false).position(100)).toBeLessThan(0.001);
  });

  it('never runs backwards', () => {
    const scale = timeScale(spans, 0, 900_300, true);
    let before = -1;
    for (let time = 0; time <= 900_300; time += 1000) {
      const here = scale.position(time);
      expect(here).toBeGreaterThanOrEqual(before);
      before = here;
    }
  });
});
