// Steps that do not end when the server does, and steps that end the server.
import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const binary = process.env.WEIR_UNRULY_SERVER;
const weir = join(dirname(binary), 'weir');
const folder = mkdtempSync(join(tmpdir(), 'weir-unruly-'));
const running = new Set();
after(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Resolves to { base, ended, stop, log } when it says where it listens, or { ended, log } when it has ended before that. */
async function start(file, options = []) {
  const child = spawn(binary, ['--port', '0', '--store', `sqlite:${file}`, '--drain-timeout', '1s', ...options],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, UNRULY_MENDED: `${file}.mended` } });
  running.add(child);
  let text = '';
  const ended = new Promise(resolve => child.on('close', (code, signal) => { running.delete(child); resolve({ code, signal, log: text }); }));
  const base = await new Promise(resolve => {
    child.stderr.on('data', chunk => {
      text += chunk;
      const found = /serving on (http:\/\/\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    ended.then(() => resolve(undefined));
  });
  return { base, ended, stop: () => { child.kill('SIGTERM'); return ended; }, log: () => text };
}
const ask = async (server, path, method = 'GET', body) => {
  const answer = await fetch(server.base + path, { method, headers: body ? { 'content-type': 'application/json' } : {}, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
};
const begin = (server, workflow, handler_id) => ask(server, `/workflows/${workflow}/run-nowait`, 'POST', { handler_id, start_event: {} });
async function until(what, holds) {
  for (const end = Date.now() + 60000; ;) {
    const got = await holds();
    if (got) return got;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

for (const [workflow, options] of [['hang', ['--actor-threads', '2']], ['hang', []], ['hang_blocking', []]])
  test(`a server ends though a step never does (${workflow} ${options.join(' ')})`, { timeout: 60000 }, async () => {
    const file = join(folder, `${workflow}${options.length}.db`);
    for (let i = 0; i < 4; i++) {  // ends in order, however often, are no crashes
      const server = await start(file, options);
      if (i === 0) assert.equal((await begin(server, workflow, 'h')).status, 200);
      await until('the step is at work', () => server.log().includes('a step is at work'));
      const { code, log } = await server.stop();
      assert.equal(code, 0, log);
      assert.match(log, /step 'run' of run \S+ of workflow '\w+' has not ended although it was asked to: it is left behind, and its run goes on at the next start/);
    }
    assert.match(spawnSync(weir, ['db', 'check', file], { encoding: 'utf8' }).stdout, /no problems found/);
  });

test('a blocking step that looks at its stop token ends with the server, and is not left behind', { timeout: 60000 }, async () => {
  const server = await start(join(folder, 'polite.db'), ['--drain-timeout', '20s']);
  await begin(server, 'polite', 'h');
  await until('the step is at work', () => server.log().includes('a step is at work'));
  const { code, log } = await server.stop();
  assert.equal(code, 0, log);
  assert.doesNotMatch(log, /left behind/);
});

test('a run that aborts the process is quarantined after three times; those that were only at work go on', { timeout: 120000 }, async () => {
  const file = join(folder, 'killer.db');
  let server = await start(file);
  for (let i = 0; i < 5; i++) assert.equal((await begin(server, 'bystander', `b${i}`)).status, 200);
  await begin(server, 'killer', 'k').catch(() => null);
  assert.equal((await server.ended).signal, 'SIGABRT');
  let deaths = 0;
  const survives = async () => {  // the server that says so lives on
    for (;;) {
      server = await start(file);
      const handlers = server.base && await until('it is known who goes on', async () => {
        const got = await Promise.race([ask(server, '/handlers').catch(() => null), server.ended.then(() => 'ended')]);
        if (got === 'ended') return got;
        return got?.body.handlers.every(({ status, quarantined }) => status !== 'running' || quarantined) && got.body.handlers;
      });
      if (Array.isArray(handlers)) return handlers;
      assert.equal((await server.ended).signal, 'SIGABRT');
      assert.ok(++deaths <= 5, 'it dies for ever');
    }
  };
  const handlers = await survives();
  assert.equal(deaths, 3);
  assert.deepEqual(handlers.map(({ handler_id, status, quarantined }) => [handler_id, status, quarantined ?? false]),
    [...[0, 1, 2, 3, 4].map(i => [`b${i}`, 'completed', false]), ['k', 'running', true]]);
  assert.match(server.log(), /run \S+ of workflow 'killer' is quarantined: the process died 3 times in a row while it was at work/);
  assert.equal((await ask(server, '/handlers/k?detail=true')).body.quarantined, true);
  const shown = verb => spawnSync(weir, [...verb, '--server', server.base], { encoding: 'utf8' });
  assert.match(shown(['list']).stdout, /k\tkiller\trunning \(quarantined\)/);
  assert.match(shown(['show', 'k']).stdout, /`weir resume k` goes on with it/);
  assert.equal((await ask(server, '/events/k', 'POST', { event: { type: 'StartEvent', value: {} } })).status, 409);
  assert.equal((await ask(server, '/handlers/b0/resume', 'POST')).status, 409);
  assert.equal((await ask(server, '/handlers/nobody/resume', 'POST')).status, 404);

  shown(['resume', 'k']);  // it has one chance
  assert.equal((await server.ended).signal, 'SIGABRT');
  await survives();
  assert.equal(deaths, 3);
  writeFileSync(`${file}.mended`, '');
  assert.equal(shown(['resume', 'k']).stdout, 'resumed\n');
  await until('it is over', async () => (await ask(server, '/handlers/k')).body.status === 'completed');
  assert.equal((await ask(server, '/handlers/k')).body.quarantined, undefined);
  assert.equal((await server.stop()).code, 0);
});
