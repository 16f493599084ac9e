// Killed without warning at any moment, started again: nothing that was acknowledged is lost, nothing is shown twice, nothing
// that was recorded is done twice.
import assert from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { eventually, json, post, startServer } from './server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weir-durable-'));
after(() => rmSync(folder, { recursive: true }));
const weir = join(dirname(process.env.WEIR_BENCH_SERVER), 'weir');
const RUNS = 200;
const KINDS = ['chain10', 'fan100', 'payment', 'fanlist100', 'retry', 'hitl', 'payment', 'hitl_wait', 'stream1000', 'recover', 'loop', 'counter'];
const BODIES = { retry: { failures: 2 }, stream1000: { n: 60 }, loop: { turns: 250 } };
const RESULTS = { chain10: 10, fan100: 328350, fanlist100: 328350, retry: 2, hitl: 'Got: yes', hitl_wait: 'Got: yes', stream1000: 60,
  recover: 'recovered from boom: boom', counter: 1, payment: 'paid', loop: 250 };
const ANSWER = { event: { type: 'Answer', value: { response: 'yes' } } };

/** The same numbers for the same seed. */
function random(seed) {
  let state = seed;
  return bound => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
}

async function killed(server) {
  server.process.kill('SIGKILL');
  await server.ended;
}

/** The run's stored events, internal ones included: ids must count up from 0. */
async function events(base, id) {
  const text = await (await fetch(`${base}/events/${id}?after_sequence=-1&include_internal=true`)).text();
  const frames = [...text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)];
  frames.forEach(([, sequence], i) => assert.equal(Number(sequence), i, `${id} has a gap or a repetition at ${i}`));
  return frames.map(([, , data]) => data);
}

/** Reads a run's events to its end, over every restart, as an EventSource does: it resumes behind the last id it has seen. */
class Reader {
  frames = [];
  constructor(id) { this.id = id; }
  /** Until the stream ends: true when nothing is left, false when the server went away. */
  async follow(base) {
    try {
      const answer = await fetch(`${base}/events/${this.id}?after_sequence=-1&include_internal=true`,
        { headers: this.frames.length ? { 'Last-Event-ID': String(this.frames.length - 1) } : {} });
      if (answer.status === 204) return true;
      if (answer.status !== 200) return false;
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of answer.body) {
        text += decoder.decode(chunk, { stream: true });
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const frame = /^id: (\d+)\ndata: (.*)$/.exec(text.slice(0, end));
          if (!frame) continue;
          assert.equal(Number(frame[1]), this.frames.length, `${this.id}: a reader that resumed got a gap or a repetition`);
          this.frames.push(frame[2]);
        }
      }
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return false;
    }
  }
}

/** No effect is seen again after its result was known to be recorded. */
function checkLedger(path) {
  const recorded = new Set();
  let effects = 0;
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []) {
    const [kind, ...what] = line.split(' '), name = what.join(' ');
    if (kind === 'recorded') recorded.add(name);
    else assert.ok(!recorded.has(name), `${name} was done again after its result was recorded`);
    effects += kind === 'effect' ? 1 : 0;
  }
  return effects;
}

const seeds = process.env.WEIR_LONG ? 20 : 6;
for (let seed = 1; seed <= seeds; seed++)
  test(`runs of every kind survive kill -9 (seed ${seed})`, { timeout: 120000 }, async () => {
    const below = random(seed), file = join(folder, `${seed}.db`), ledger = join(folder, `${seed}.ledger`);
    const options = ['--store', `sqlite:${file}`, '--idle-timeout', below(2) ? '20ms' : '60s', '--sync', below(2) ? 'full' : 'normal'];
    const pipelined = below(4) === 0;
    if (pipelined) options.push('--durability', 'pipelined');
    const env = { WEIR_LEDGER: ledger };
    const first = await startServer(options, { survives: false, env });
    const acknowledged = new Set(), answered = new Set(), readers = [];
    const following = [];
    const started = Array.from({ length: RUNS }, async (_, i) => {
      const kind = KINDS[i % KINDS.length], id = `${kind}-${i}`;
      const start_event = kind === 'payment' ? { id } : BODIES[kind] ?? {};
      const answer = await post(first.base, `/workflows/${kind}/run-nowait`, { handler_id: id, start_event }, { 'Idempotency-Key': id }).catch(() => null);
      if (answer?.status !== 200) return;
      acknowledged.add(id);
      if (i % 10 === 0) {
        readers.push(new Reader(id));
        following.push(readers.at(-1).follow(first.base));
      }
      if (kind !== 'hitl' || below(2)) return;
      const sent = await post(first.base, `/events/${id}`, ANSWER, { 'Idempotency-Key': `answer ${id}` }).catch(() => null);
      if (sent?.status === 200) answered.add(id);
    });
    if (below(3) > 0) await started[below(RUNS)];
    else await Promise.all(started);
    for (let i = below(300); i > 0; i--) await new Promise(resolve => setImmediate(resolve));
    const seen = new Map();
    for (const id of [...acknowledged].slice(0, below(4))) {  // what somebody has read so far
      const row = await fetch(`${first.base}/handlers/${id}`).catch(() => null);
      if (row?.status === 200) seen.set(id, await events(first.base, id));
    }
    await killed(first);
    await Promise.all(started);
    await Promise.all(following);
    if (below(2)) {  // and again, while it recovers
      const again = await startServer(options, { survives: false, env });
      const resumed = readers.map(reader => reader.follow(again.base));
      for (let i = below(100); i > 0; i--) await new Promise(resolve => setImmediate(resolve));
      await killed(again);
      await Promise.all(resumed);
    }
    assert.match(execFileSync(weir, ['db', 'check', file], { encoding: 'utf8' }), /no problems found/);

    const second = await startServer(options, { env });
    const ends = readers.map(reader => reader.follow(second.base));
    const handlers = (await json(await fetch(`${second.base}/handlers`))).body.handlers.map(row => row.handler_id);
    for (const id of acknowledged) assert.ok(handlers.includes(id), `${id} was acknowledged and is gone`);
    for (const id of handlers) {
      const kind = id.split('-')[0];
      if (kind.startsWith('hitl') && !answered.has(id)) {
        await eventually(() => fetch(`${second.base}/events/${id}?after_sequence=-1&sse=false`).then(answer => {
          const reader = answer.body.getReader();
          return reader.read().then(({ value }) => (reader.cancel(), new TextDecoder().decode(value ?? new Uint8Array())));
        }), text => text.includes('"type":"Ask"'));
        const sent = await post(second.base, `/events/${id}`, ANSWER, { 'Idempotency-Key': `answer ${id}` });
        // 409: it was stored before the kill, and only its acknowledgement was lost.
        assert.ok(sent.status === 200 || (kind === 'hitl' && sent.status === 409), `${id}: ${sent.status}`);
      }
      const { body } = await eventually(() => fetch(`${second.base}/handlers/${id}`).then(json), ({ status }) => status !== 202, 60000);
      assert.equal(body.status, 'completed', `${id}: ${JSON.stringify(body)}`);
      // What a step writes to its state while it runs ahead of the disk may be written again.
      if (!pipelined || kind !== 'loop') assert.deepEqual(body.result.value.result, RESULTS[kind], id);
      const all = await events(second.base, id);
      assert.equal(all.filter(data => JSON.parse(data).type === 'StopEvent').length, 1);
      const ticks = all.filter(data => JSON.parse(data).type === 'Tick').map(data => JSON.parse(data).value.i);
      if (kind === 'stream1000') assert.deepEqual(ticks, Array.from({ length: 60 }, (_, i) => i), 'each event is shown once');
      const remarks = all.filter(data => JSON.parse(data).type === 'Remark').map(data => JSON.parse(data).value.text);
      if (kind === 'payment') assert.deepEqual(remarks, ['charged', 'shipped']);
      if (seen.has(id)) assert.deepEqual(all, seen.get(id), 'what was read before reads the same');
      const reader = readers.find(one => one.id === id);
      if (reader) {
        assert.ok(await ends[readers.indexOf(reader)], `${id}: the stream did not end`);
        assert.deepEqual(reader.frames, all, `${id}: a reader over the restart saw something else`);
      }
    }
    for (const id of [...acknowledged].slice(0, 5)) {  // the same request again is the same run
      const kind = id.split('-')[0], start_event = kind === 'payment' ? { id } : BODIES[kind] ?? {};
      const { body } = await json(await post(second.base, `/workflows/${kind}/run-nowait`, { handler_id: id, start_event }, { 'Idempotency-Key': id }));
      assert.equal(body.run_id, (await json(await fetch(`${second.base}/handlers/${id}`))).body.run_id);
    }
    checkLedger(ledger);
    await second.stop();
    assert.match(execFileSync(weir, ['db', 'check', file], { encoding: 'utf8' }), /no problems found/);
  });

test('a ledger with an effect after its record is found out', () => {
  const path = join(folder, 'wrong.ledger');
  execFileSync('sh', ['-c', `printf 'effect a\\neffect a\\nrecorded a\\n' > ${path}`]);
  assert.equal(checkLedger(path), 2);
  execFileSync('sh', ['-c', `printf 'effect a\\n' >> ${path}`]);
  assert.throws(() => checkLedger(path), /a was done again after its result was recorded/);
});

test('options that make no sense, and a second server on the same file, are refused with a sentence', async () => {
  const store = `sqlite:${join(folder, 'locked.db')}`;
  const first = await startServer(['--store', store]);
  await assert.rejects(startServer(['--store', store]), /is used by another process: stop that one, or give another path/);
  await assert.rejects(startServer(['--store', 'paper']), /--store must be memory or sqlite:PATH, got 'paper'/);
  await assert.rejects(startServer(['--idle-timeout', 'soon']), /--idle-timeout must be a time like 60s or 5m, or never, got 'soon'/);
  await assert.rejects(startServer(['--retain', 'week']), /--retain must be a time like 7d or 12h, or STATUS=TIME/);
  await first.stop();
});

test('weir db tells what a file holds', async () => {
  const file = join(folder, 'told.db');
  const server = await startServer(['--store', `sqlite:${file}`]);
  await post(server.base, '/workflows/chain10/run', { start_event: {} });
  await post(server.base, '/workflows/hitl/run-nowait', { start_event: {} });
  const stats = () => JSON.parse(execFileSync(weir, ['db', 'stats', '--json', file], { encoding: 'utf8' }));
  await eventually(async () => stats(), ({ handlers_waiting }) => handlers_waiting === 1);
  assert.equal(stats().handlers_completed, 1);
  assert.match(execFileSync(weir, ['db', 'stats', file], { encoding: 'utf8' }), /^handlers_running: 1$/m);
  await server.stop();
  assert.match(execFileSync(weir, ['db', 'migrate', file], { encoding: 'utf8' }), /has format 6 already/);
  assert.throws(() => execFileSync(weir, ['db', 'check', join(folder, 'none.db')], { stdio: 'pipe' }), /there is no database/);
});

test('--retain forgets what ended long ago', async () => {
  const server = await startServer(['--store', `sqlite:${join(folder, 'retained.db')}`, '--retain', 'completed=100ms']);
  const { body } = await json(await post(server.base, '/workflows/chain10/run', { start_event: {} }));
  await post(server.base, '/workflows/fail/run', { handler_id: 'failed', start_event: {} });
  await eventually(() => fetch(`${server.base}/handlers/${body.handler_id}`), ({ status }) => status === 404);
  assert.equal((await fetch(`${server.base}/handlers/failed`)).status, 500);
  await server.stop();
});
