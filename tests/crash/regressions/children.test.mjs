// Children outlived a parent that was purged while they began, and were begun twice when their beginning was on the disk before its cause.
import assert from 'node:assert';
import { test } from 'node:test';
import { Random } from '../random.mjs';
import { eventually, pause } from '../server.mjs';
import { begun, child, effects, ended, start } from './setting.mjs';

const handlers = async server => (await server.get('/handlers')).body.handlers;

test('a run that is purged while its child begins leaves nothing', { timeout: 120000 }, async () => {
  const server = await begun('purge'), end = Date.now() + 15000, random = new Random(1), program = [child(2, [['sleep', 50]], ['stop', 'end'])], told = new Map();
  const lane = async () => {
    for (let i = 0; i < 60 && Date.now() < end; i++) {
      const id = await start(server, program);
      await pause(random.between(0, 2));
      const { status, text, tries } = await server.insist('POST', `/handlers/${id}/cancel?purge=true`);
      // The first answer may have been "it may still be done".
      if (status !== 200 && !(status === 404 && tries > 1)) assert.fail(`the purge (sent ${tries} times) was answered ${status} ${text}`);
      told.set(id, `${status} ${text} when sent ${tries} times`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  await eventually(async () => (await handlers(server)).every(({ status }) => status !== 'running'), 5000);
  const left = await handlers(server), [first] = left;
  assert.equal(left.length, 0, `${left.length} are left, the first ${first?.handler_id}, ${first?.status}; its purge was answered ${told.get(first?.handler_id.split('.')[0])}`);
  assert.equal(server.check(), '');
});

/** Kills the server as soon as the child is there, while events for its parent keep the disk busy; then lets everything end. */
async function killWhileAChildBegins(server, options) {
  const late = { type: 'Item', id: 2, ops: [['sleep', 150], child(15, [['once', 'charge', 0, 0], ['sleep', 50]], ['stop', 'end'])], fix: [] };
  await start(server, [['fan', [late]]], 'h');
  const push = id => server.ask('POST', '/events/h', { event: { type: 'Push', value: { id, of: 99, then: { id: 1, ops: [] } } } }).catch(() => {});
  let over = false;
  const busy = (async () => { for (let i = 0; !over && i < 100; i++) { push(700 + i); await pause(10); } })();
  await eventually(async () => (await handlers(server)).length > 1, 20000);
  await server.end();
  over = true;
  await busy;
  await server.begin(options);
  await ended(server, 'h');
}

for (const durability of ['pipelined', 'strict'])
  test(`a child that begins while the server is killed is begun once (${durability})`, { timeout: 240000 }, async () => {
    const end = Date.now() + (durability === 'pipelined' ? 60000 : 10000);  // one try in 24 showed it
    for (let i = 0; i < 40 && Date.now() < end; i++) {
      const options = ['--durability', durability], server = await begun(`child ${durability} ${i}`, options, { FAULT_SYNC_MS: '30' });
      await killWhileAChildBegins(server, options);
      const children = (await handlers(server)).filter(({ handler_id }) => handler_id.startsWith('h.')), done = effects(server, 'charge');
      assert.equal(children.length, 1, `try ${i}: ${children.map(({ handler_id, status }) => `${handler_id} ${status}`)}`);
      // Twice at most: done, and the process killed before it was recorded.
      assert.equal(new Set(done.map(line => line.split(' ')[1])).size, 1, `try ${i}: effects of two runs: ${done}`);
      await server.end();
    }
  });
