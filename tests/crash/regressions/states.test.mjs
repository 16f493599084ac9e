// A body's edits of the state were done again whenever the body was repeated.
import assert from 'node:assert';
import { test } from 'node:test';
import { asks, asleep, begun, ended, reply, start } from './setting.mjs';
import { pause } from '../server.mjs';

const ways = {
  'stays awake': { options: ['--idle-timeout', 'never'], between: () => {} },
  'falls asleep': { options: ['--idle-timeout', '50ms'], between: () => pause(400) },
  'was killed': { options: ['--idle-timeout', 'never'], between: async (server, options) => { await server.end(); await server.begin(options); } },
};
for (const [way, { options, between }] of Object.entries(ways))
  for (const durability of ['strict', 'pipelined'])
    test(`what a body does to the state before it waits is done once when the run ${way} (${durability})`, async () => {
      const all = [...options, '--durability', durability], server = await begun(`state ${way} ${durability}`, all);
      const id = await start(server, [['add'], ['once', 'charge', 0, 0], ['add'], ['wait', 'k', null, null], ['add'], ['stop', 1]]);
      await asks(server, id, 'k');
      await asleep(server, id);
      await between(server, all);
      await reply(server, id, 'k');
      await ended(server, id);
      assert.deepEqual((await server.get(`/handlers/${id}/state`)).body.states[''], { n: 3 });
    });
