// Killed without warning at any moment, started again: nothing that was acknowledged is lost, nothing is shown twice.
import assert from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually, json, post, startServer } from './server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weir-durable-'));
after(() => rmSync(folder, { recursive: true }));
const KINDS = ['chain10', 'fan100', 'fanlist100', 'retry', 'hitl', 'hitl_wait', 'stream1000', 'recover', 'counter'];
const BODIES = { retry: { failures: 2 }, stream1000: { n: 300 } };
const RESULTS = { chain10: 10, fan100: 328350, fanlist100: 328350, retry: 2, hitl: 'Got: yes', hitl_wait: 'Got: yes', stream1000: 300,
  recover: 'recovered from boom: boom', counter: 1 };

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

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
  test(`runs of every kind survive kill -9 (seed ${seed})`, { timeout: 60000 }, async () => {
    const below = random(seed), store = `sqlite:${join(folder, `${seed}.db`)}`;
    const first = await startServer(['--store', store], { survives: false });
    const acknowledged = new Map();  // handler id to kind
    const started = Array.from({ length: 45 }, async (_, i) => {
      const kind = KINDS[i % KINDS.length], id = `${kind}-${i}`;
      const answer = await post(first.base, `/workflows/${kind}/run-nowait`, { handler_id: id, start_event: BODIES[kind] ?? {} }).catch(() => null);
      if (answer?.status === 200) acknowledged.set(id, kind);
    });
    if (below(3) > 0) await started[below(45)];
    else await Promise.all(started);
    for (let i = below(200); i > 0; i--) await new Promise(resolve => setImmediate(resolve));
    const seen = new Map();
    for (const id of [...acknowledged.keys()].slice(0, below(4))) {  // what somebody has read so far
      const row = await fetch(`${first.base}/handlers/${id}`).catch(() => null);
      if (row?.status === 200) seen.set(id, await events(first.base, id));
    }
    await killed(first);
    await Promise.all(started);

    const second = await startServer(['--store', store]);
    const handlers = (await json(await fetch(`${second.base}/handlers`))).body.handlers.map(row => row.handler_id);
    for (const id of acknowledged.keys()) assert.ok(handlers.includes(id), `${id} was acknowledged and is gone`);
    for (const id of handlers) {
      const kind = id.split('-')[0];
      if (kind.startsWith('hitl')) {
        await eventually(() => fetch(`${second.base}/events/${id}?after_sequence=-1&sse=false`).then(answer => {
          const reader = answer.body.getReader();
          return reader.read().then(({ value }) => (reader.cancel(), new TextDecoder().decode(value ?? new Uint8Array())));
        }), text => text.includes('"type":"Ask"'));
        assert.equal((await post(second.base, `/events/${id}`, { event: { type: 'Answer', value: { response: 'yes' } } })).status, 200);
      }
      const { body } = await eventually(() => fetch(`${second.base}/handlers/${id}`).then(json), ({ status }) => status !== 202);
      assert.equal(body.status, 'completed', `${id}: ${JSON.stringify(body)}`);
      assert.deepEqual(body.result.value.result, RESULTS[kind], id);
      const all = await events(second.base, id);
      assert.equal(all.filter(data => JSON.parse(data).type === 'StopEvent').length, 1);
      const ticks = all.filter(data => JSON.parse(data).type === 'Tick').map(data => JSON.parse(data).value.i);
      if (kind === 'stream1000') assert.deepEqual(ticks, Array.from({ length: 300 }, (_, i) => i), 'each event is shown once');
      if (seen.has(id)) assert.deepEqual(all, seen.get(id), 'what was read before reads the same');
    }
    await second.stop();
  });

test('a second server on the same file is refused with a sentence; a store of an unknown kind too', async () => {
  const store = `sqlite:${join(folder, 'locked.db')}`;
  const first = await startServer(['--store', store]);
  await assert.rejects(startServer(['--store', store]), /is used by another process: stop that one, or give another path/);
  await assert.rejects(startServer(['--store', 'paper']), /--store must be memory or sqlite:PATH, got 'paper'/);
  await first.stop();
});
