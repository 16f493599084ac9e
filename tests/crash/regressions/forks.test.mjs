// A fork was journaled without the counters that it began with, and took its own recorded ticks for late reports.
import assert from 'node:assert';
import { test } from 'node:test';
import { asks, asleep, begun, chain, effects, ended, reply, row, shown, start } from './setting.mjs';
import { pause } from '../server.mjs';

const program = [['write', 'begun'], chain(2, [['once', 'charge', 0, 0], ['wait', 'k1', null, null], ['once', 'ship', 0, 0], ['wait', 'k2', null, null], ['nonces'], ['stop', 'end']])];
const ways = {
  'falls asleep': { options: ['--idle-timeout', '50ms'], between: () => pause(500) },
  'was killed': { options: ['--idle-timeout', 'never'], between: restart('SIGKILL') },
  'was stopped': { options: ['--idle-timeout', 'never'], between: restart('SIGTERM') },
};
function restart(signal) {
  return async (server, options) => { await server.end(signal); await server.begin(options); };
}

for (const [way, { options, between }] of Object.entries(ways))
  test(`a fork that ${way} forgets no effect, no answer and no event`, async () => {
    const server = await begun(`fork ${way}`, options), original = await start(server, program);
    await asks(server, original, 'k1');
    const { body } = await server.get(`/events/${original}?stream=false&after_sequence=-1`);
    const fork = (await server.insist('POST', `/handlers/${original}/rerun`, { from_sequence: body.events[0].sequence })).body.handler_id;
    await asks(server, fork, 'k1');
    await reply(server, fork, 'k1');
    await asks(server, fork, 'k2');
    await between(server, options);
    await reply(server, fork, 'k2');
    await ended(server, fork);
    assert.equal((await row(server, fork)).status, 'completed');
    const own = name => effects(server, name).filter(line => line.split(' ')[2] === fork).map(line => line.split(' ').at(-1));
    const recorded = `charge:${own('charge')},ship:${own('ship')}`;
    assert.deepEqual(await shown(server, fork), ['Ask k1', 'Note got yes', 'Ask k2', 'Note got yes', `Note nonces ${recorded}`, 'StopEvent "end"']);
    assert.deepEqual([own('charge').length, own('ship').length], [1, 1]);
  });
