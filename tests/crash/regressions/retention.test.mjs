// Retention deletes what is over while the server is killed again and again: no row of any table stays.
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Random } from '../random.mjs';
import { pause, weir } from '../server.mjs';
import { child, newServer, until } from './setting.mjs';

const programs = [[['write', 'a'], ['set', 'x', 1], ['once', 'a', 0, 0], child(2, [['sleep', 5]], ['stop', 'end'])], [['sleep', 20], ['fail', 'x']]];

test('retention that is killed again and again leaves nothing of what is over', { timeout: 120000 }, async () => {
  const server = newServer('retention'), random = new Random(3), options = ['--retain', '500ms', '--idle-timeout', '50ms'], end = Date.now() + 6000;
  await server.begin(options);
  const lane = async name => {
    for (let i = 0; Date.now() < end; i++) {
      const answer = await server.insist('POST', '/workflows/machine/run-nowait', { start_event: { id: 1, ops: random.pick(programs), fix: [] } }, { 'idempotency-key': `${name} ${i}` });
      assert.equal(answer.status, 200, answer.text);
      await pause(random.between(0, 20));
    }
  };
  const lanes = Promise.all(Array.from({ length: 8 }, (_, name) => lane(name)));
  while (Date.now() < end) {
    await pause(random.between(50, 900));
    await server.end();
    assert.equal(server.check(), '');
    await server.begin(options);
  }
  await lanes;
  const counts = () => {
    const { handlers_running, handlers_completed, handlers_failed, runs, events, ticks, snapshots, idempotency_keys } = JSON.parse(execFileSync(weir, ['db', 'stats', '--json', server.database], { encoding: 'utf8' }));
    return { handlers_running, handlers_completed, handlers_failed, runs, events, ticks, snapshots, idempotency_keys };
  };
  await until(`nothing is left of ${JSON.stringify(counts())}`, () => Object.values(counts()).every(count => count === 0), 20000);
});
