// Each look at a run whose commit had failed began the run again, with its effects; who waited was told that it had failed.
import assert from 'node:assert';
import { test } from 'node:test';
import { pause } from '../server.mjs';
import { begun, effects, ended, row, shown, start, until } from './setting.mjs';

const program = [['write', 'begun'], ['once', 'start', 0, 0], ['sleep', 300], ['once', 'charge', 0, 0], ['nonces'], ['stop', 'end']];

for (const kind of ['enospc', 'eio'])
  for (const durability of ['strict', 'pipelined'])
    test(`while every write fails, a run waits, and nobody who looks makes it begin again (${kind}, ${durability})`, async () => {
      const server = await begun(`full ${kind} ${durability}`, ['--durability', durability], { FAULT_KIND: kind, FAULT_CALLS: 'write', FAULT_WHILE: true });
      let told;
      server.ask('POST', '/workflows/machine/run', { handler_id: 'h', start_event: { id: 1, ops: program, fix: [] } }, {}, 60000)
        .then(answer => { told = answer; }, error => { told = error; });
      await until('the first event is there', async () => (await server.get('/handlers/h')).status !== 404 && (await shown(server, 'h')).length > 0);
      server.failing(true);
      await until('the effect is done', () => effects(server, 'charge').length > 0);
      for (let i = 0; i < 10; i++) await server.ask('GET', '/events/h?after_sequence=-1', undefined, {}, 200).catch(() => {});  // as an EventSource reconnects
      if (told) assert.fail(`/run was answered ${told.status} ${told.text}`);
      assert.equal(effects(server, 'charge').length, 1);
      const answer = await server.ask('POST', '/workflows/machine/run-nowait', { start_event: { id: 1, ops: program, fix: [] } });
      assert.deepEqual([answer.status, Number(answer.headers['retry-after']) > 0], [503, true]);
      server.failing(false);
      await ended(server, 'h');
      await until('/run is answered', () => told);
      assert.deepEqual([told.status, told.body.result?.value?.result], [200, 'end']);
      assert.deepEqual([effects(server, 'start').length, effects(server, 'charge').length], [1, 1]);
      assert.deepEqual([(await row(server, 'h')).status, server.check()], ['completed', '']);
    });

for (const durability of ['strict', 'pipelined'])
  test(`a start whose first writes fail is refused and leaves nothing, or goes on (${durability})`, { timeout: 240000 }, async () => {
    for (const calls of [1, 2, 3, 5, 8]) {
      const server = await begun(`start ${durability} ${calls}`, ['--durability', durability], { FAULT_KIND: 'eio', FAULT_WHILE: true, FAULT_COUNTER: true });
      const before = server.calls();
      server.failing(true);
      const said = [], send = () => server.ask('POST', '/workflows/machine/run-nowait', { handler_id: 'h', start_event: { id: 1, ops: [['write', 'a'], ['wait', 'k', null, null], ['stop', 1]], fix: [] } }, { 'idempotency-key': 'k' });
      const starting = (async () => { for (let i = 0; i < 200 && said.at(-1) !== 200; i++) { said.push((await send()).status); await pause(40); } })();
      await until(`${calls} calls have failed`, () => server.calls() >= before + calls, 60000);
      server.failing(false);
      await starting;
      assert.deepEqual([...new Set(said)].filter(status => status !== 503), [200], `after ${calls} failures the start was answered ${said}`);
      await until('the question is asked', async () => (await shown(server, 'h')).includes('Ask k'));
      assert.deepEqual([(await row(server, 'h')).status, server.check()], ['running', '']);
      await server.end();
    }
  });

for (const durability of ['strict', 'pipelined'])
  test(`a disk that fails for some milliseconds now and then leaves nothing undone (${durability})`, { timeout: 120000 }, async () => {
    const server = await begun(`toggle ${durability}`, ['--durability', durability], { FAULT_KIND: 'eio', FAULT_WHILE: true });
    const ids = [], end = Date.now() + 4000;
    const program = [['write', 'a'], ['once', 'charge', 0, 0], ['go', { type: 'Chain', id: 2, ops: [['write', 'b'], ['stop', 1]], fix: [] }]];
    const lane = async name => {
      for (let i = 0; Date.now() < end; i++) {
        const id = `${name}-${i}`;
        const { status, text } = await server.insist('POST', '/workflows/machine/run-nowait', { handler_id: id, start_event: { id: 1, ops: program, fix: [] } }, { 'idempotency-key': id });
        assert.equal(status, 200, text);
        ids.push(id);
      }
    };
    const failing = (async () => {
      for (let i = 0; Date.now() < end; i++) { server.failing(true); await pause(1 + i * 5 % 12); server.failing(false); await pause(5 + i * 7 % 55); }
    })();
    await Promise.all([...['a', 'b', 'c', 'd'].map(lane), failing]);
    const all = async () => (await server.get('/handlers')).body.handlers;
    await until('all have ended', async () => (await all()).every(({ status }) => status !== 'running'), 20000);
    assert.deepEqual((await all()).filter(({ status }) => status !== 'completed').map(({ handler_id, error }) => `${handler_id}: ${error}`), []);
    assert.deepEqual([(await all()).length, effects(server, 'charge').length], [ids.length, ids.length]);
    assert.deepEqual(server.refusals.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) > 0)), []);
    assert.equal(server.check(), '');
  });

// The first sending of an event had not reached the disk when it was answered, and the second did not find it there.
for (const durability of ['strict', 'pipelined'])
  test(`an event that is sent again with its key after a refusal is taken once (${durability})`, { timeout: 120000 }, async () => {
    const server = await begun(`again ${durability}`, ['--durability', durability], { FAULT_KIND: 'enospc', FAULT_CALLS: 'write', FAULT_WHILE: true });
    const id = await start(server, [['write', 'ready']]), count = 20;
    await until('it is ready', async () => (await shown(server, id)).length > 0);
    for (let n = 0; n < count; n++) {
      const event = { type: 'Push', value: { id: n, of: 1000, then: { id: 50, ops: [] } } };
      server.failing(true);
      await server.ask('POST', `/events/${id}`, { event }, { 'idempotency-key': `push ${n}` });
      server.failing(false);
      for (let status = 0; status !== 200; await pause(5)) ({ status } = await server.ask('POST', `/events/${id}`, { event }, { 'idempotency-key': `push ${n}` }));
    }
    const pushes = async () => (await shown(server, id)).filter(line => line === 'Note push').length;
    await until('all are taken', async () => (await pushes()) >= count);
    // What was kept of the first sendings is on the disk before this is acknowledged.
    await server.insist('POST', `/events/${id}`, { event: { type: 'Push', value: { id: 0, of: 1000, then: { id: 50, ops: [] } } } });
    await until('the last is taken', async () => (await pushes()) >= count + 1);
    assert.equal(await pushes(), count + 1);
  });
