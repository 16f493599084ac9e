// Random programs for the workflows of server.cpp. What a program does is the same however its parts overlap in time, so that two
// executions can be compared. An operation is an array with its name first; play.hpp does them.

const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));

class Writer {
  ids = 0;
  waits = false;
  serial = true;   // nothing happens beside anything else: the order of the whole stream is known
  after = [];      // [chain, chain that must be over before it shows]
  constructor(random) { this.random = random; }
  id() { return ++this.ids; }

  // ---- what one body does

  /** What a body may do: `plain` no suspension, `blocking` work on a thread, `asks` questions, `retried` effects that fail. */
  weights({ plain, blocking, asks = true }) {
    const suspends = plain ? 0 : 1;
    return { write: 5, burst: 0.7, fat: 0.4, attempt: 1, add: 1.5, set: 1.5, set_other: 0.5, sleep: 3 * suspends, once: 4 * suspends, loop: 1.5 * suspends,
      wait: asks ? 2 * suspends : 0, late: 0.5 * suspends, blocking: 0.7 * suspends, work: blocking ? 3 : 0 };
  }
  operation(name, me, kind) {
    const random = this.random;
    switch (name) {
      case 'write': return ['write', `n${this.id()}`];
      case 'burst': return ['burst', random.pick([3, 40, 70, 150])];
      case 'fat': return ['fat', random.pick([2000, 30000])];
      case 'set': return ['set', `s${me}.${random.pick(['x', 'y'])}`, random.pick([1, 'x', [1, 2], { a: null }])];
      case 'set_other': return ['set_other', `q${me}`, random.between(1, 9)];
      case 'sleep': return ['sleep', random.pick([1, 5, 10, 20, 30, 120])];
      case 'work': return ['work', random.pick([1, 3, 10])];
      case 'blocking': return ['blocking', random.pick([1, 5])];
      case 'once': return ['once', random.pick(['a', 'b']), kind.retried && random.chance(0.3) ? random.between(1, 2) : 0, random.pick([0, 0, 3, 10])];
      case 'wait': this.waits = true; return ['wait', `k${me}_${random.pick(['a', 'b'])}`, random.chance(0.3) ? random.pick(['w1', 'w2']) + me : null, null];
      case 'late': return ['wait', `late${this.id()}`, null, random.pick([20, 60])];
      default: return [name];   // add, attempt
    }
  }
  loop(me, kind) {
    const weights = { once: 4, sleep: 3, write: 2, add: 1, wait: kind.asks === false ? 0 : 1 };
    return ['loop', this.random.between(2, 5), list(this.random.between(1, 3), () => this.operation(this.random.weighted(weights), me, kind))];
  }
  body(me, kind = {}) {
    const ops = list(this.random.between(0, kind.longest ?? 4), () => {
      const name = this.random.weighted(this.weights(kind));
      return name === 'loop' ? this.loop(me, kind) : this.operation(name, me, kind);
    });
    return JSON.stringify(ops).includes('"once"') ? [...ops, ['nonces']] : ops;
  }

  // ---- one event after the other, until `end(me)` says how the line ends

  line(depth, end, parent, kind) {
    const type = this.random.weighted({ Chain: 4, Slow: 2, Retry: 3, Timed: 0.8, Blocking: 1.5, Plain: 1.5, ChildStart: 1.3, LoudChildStart: 1.3,
      Handout: kind.main ? 1 : 0, ...kind.types });
    const me = this.id();
    this.after.push([me, parent]);
    const onward = () => (depth > 0 && this.random.chance(0.6) ? ['go', this.line(depth - 1, end, me, kind)] : end(me));
    return { type, id: me, ...this.step(type, me, onward, kind) };
  }
  step(type, me, onward, kind) {
    switch (type) {
      case 'Timed': return { ops: [['sleep', 100000]], fix: [...this.body(100000 + me, { ...kind, longest: 1 }), onward()] };
      case 'Retry': return this.retried(me, onward, { ...kind, retried: true });
      case 'Blocking': case 'Plain': return this.mayFail(this.body(me, { ...kind, plain: true, blocking: type === 'Blocking' }), 0.15, () => [onward()], onward);
      case 'ChildStart': case 'LoudChildStart': return this.child(me, onward, { ...kind, asks: false, main: false });
      case 'Handout': this.waits = true; return { ops: [...this.body(me, kind), onward()], fix: [] };
      default: return this.mayFail(this.body(me, kind), 0.12, () => [...this.body(100000 + me, { ...kind, longest: 1 }), onward()], onward);
    }
  }
  mayFail(ops, probability, fix, onward) {
    if (this.random.chance(probability)) return { ops: [...ops, ['fail', 'x']], fix: fix() };
    return { ops: [...ops, onward()], fix: [] };
  }
  retried(me, onward, kind) {
    const ops = this.body(me, kind);
    if (this.random.chance(0.25)) return { ops: [...ops, ['fail', 'always']], fix: [...this.body(100000 + me, { ...kind, longest: 1 }), onward()] };
    return { ops: [...ops, ['fail_until', this.random.between(0, 2)], ['write', `n${this.id()}`], onward()], fix: [] };
  }
  child(me, onward, kind) {
    const then = onward(), done = ['go', { type: 'ChildDone', id: this.id(), then }], second = this.id();
    const ending = this.random.chance(0.5) ? done
      : ['go', { type: 'ChildMore', id: second, ops: [...this.body(second, { ...kind, longest: 2 }), ['fail_until', this.random.between(0, 2)], done], fix: [] }];
    if (this.random.chance(0.15)) return { ops: [...this.body(me, { ...kind, longest: 2 }), ['fail', 'child']], fix: [then] };
    return { ops: [...this.body(me, { ...kind, longest: 3 }), ending], fix: [] };
  }

  // ---- the main line: lines, fan-outs and joins behind each other

  stop() { return ['stop', this.random.pick([null, 0, 'done', [1], { a: { b: null } }])]; }
  main(depth, me) {
    const kind = { main: true }, ops = this.body(me, kind);
    switch (this.random.weighted({ line: 5, fan: depth > 0 ? 4 : 0, sides: depth > 0 ? 2 : 0, stop: depth > 1 ? 0.3 : 2 })) {
      case 'fan': return [...ops, this.fan(depth, me)];
      case 'sides': return [...ops, ...this.sides(me)];
      case 'line': return [...ops, ['go', this.line(this.random.between(0, 3), () => this.stop(), me, kind)]];
      default: return [...ops, this.stop()];
    }
  }
  fan(depth, parent) {
    this.serial = false;
    const next = this.id(), then = { id: next, ops: this.main(depth - 1, next) };
    return ['fan', list(this.random.between(1, 5), i => this.item(i, then, parent))];
  }
  item(i, then, parent) {
    const me = this.id(), kind = { longest: 2 };
    this.after.push([me, parent]);
    const part = last => { this.after.push([`gather${then.id}`, last]); return ['go', { type: 'Part', id: this.id(), then }]; };
    if (i > 0 && this.random.chance(0.1)) return { type: 'Item', id: me, ops: this.body(me, kind), fix: [] };  // nothing comes of it
    const ops = this.body(me, kind);
    return { type: 'Item', id: me, ops: [...ops, this.random.chance(0.5) ? ['go', this.line(this.random.between(0, 1), part, me, kind)] : part(me)], fix: [] };
  }
  sides(parent) {
    this.serial = false;
    const next = this.id(), then = { id: next, ops: this.main(0, next) }, of = this.random.between(1, 4);
    const pauses = () => (this.random.chance(0.3) ? [['sleep', this.random.pick([1, 10])]] : []);
    return list(of, () => [['side', this.side(of, then, parent)], ...pauses()]).flat();
  }
  side(of, then, parent) {
    const me = this.id(), kind = { longest: 2, types: { Timed: 0, Blocking: 0, ChildStart: 0, LoudChildStart: 0, Handout: 0 } };
    this.after.push([me, parent]);
    const done = () => ['go', { type: 'SideDone', id: this.id(), of, then }];
    return { type: 'Side', id: me, ops: [...this.body(me, { longest: 2 }), this.random.chance(0.4) ? ['go', this.line(0, done, me, kind)] : done()], fix: [] };
  }
}

// ---- whole programs, one function for each kind

const kinds = {
  machine: { weight: 12, write: (writer, me) => ({ ops: writer.main(writer.random.between(0, 2), me) }) },
  queued: { weight: 1.5, write: (writer, me) => ({ ops: writer.main(writer.random.between(0, 2), me) }) },
  hurried: { weight: 1, loose: true, write: (writer, me) => ({ ops: writer.main(writer.random.between(0, 2), me) }) },
  first_two: { weight: 1, loose: true, write: writer => ({ ops: [['fan', firstTwo(writer)]] }) },
  nest: { weight: 1.5, write: (writer, me) => ({ ops: [...writer.body(me), ['fan', list(writer.random.between(1, 3), () => row(writer, me))]] }) },
  pushed: { weight: 2, workflow: 'machine', write: pushed },
  failing: { weight: 1, workflow: 'machine', write: (writer, me) =>
    ({ ops: [...writer.body(me), ['go', { type: 'Retry', id: writer.id(), ops: [['write', 'q'], ['fail', 'for ever']], fix: [] }]] }) },
};
const parallel = new Set(['first_two', 'nest', 'pushed']);

function firstTwo(writer) {
  const then = { id: writer.id(), ops: [['stop', 'two']] };
  return list(writer.random.between(3, 6), () => {
    const me = writer.id();
    return { type: 'Item', id: me, ops: [...writer.body(me, { longest: 2, asks: false }), ['go', { type: 'Part', id: writer.id(), then }]], fix: [] };
  });
}

function row(writer, parent) {
  const me = writer.id();
  writer.after.push([me, parent]);
  const items = list(writer.random.between(1, 4), () => {
    const item = writer.id();
    writer.after.push([item, me]);
    return { type: 'Item', id: item, ops: [...writer.body(item, { longest: 2 }), ['go', { type: 'Part', id: writer.id(), then: {} }]], fix: [] };
  });
  return { type: 'Row', id: me, ops: [...writer.body(me, { longest: 2 }), ['fan', items]], fix: [] };
}

/** A program that clients drive with events. */
function pushed(writer) {
  const next = writer.id(), of = writer.random.between(1, 5), then = { id: next, ops: writer.main(1, next) };
  return { ops: writer.random.chance(0.5) ? [['write', 'ready']] : [], pushes: list(of, () => ({ id: writer.id(), of, then })) };
}

/** { workflow, start, pushes, serial, waits, loose, after }; loose: how it goes depends on time, so only rules can be checked. */
export function program(random, kind = random.weighted(Object.fromEntries(Object.entries(kinds).map(([name, { weight }]) => [name, weight])))) {
  const writer = new Writer(random), me = writer.id(), { workflow = kind, loose = false, write } = kinds[kind];
  const { ops, pushes = [] } = write(writer, me);
  return { kind, workflow, start: { id: me, ops, fix: [] }, pushes, serial: writer.serial && !parallel.has(kind), waits: writer.waits, loose, after: writer.after };
}
