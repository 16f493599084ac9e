// Every verb of the weir command where something is wrong: no server, the wrong key, answers that are none, an output that takes nothing.
import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { built, startProgram, startServer } from './server.mjs';

const weir = built('weir');
const folder = mkdtempSync(join(tmpdir(), 'weir-failures-'));
const env = { ...process.env };
for (const name of Object.keys(env)) if (name.startsWith('WEIR_') || name.startsWith('WORKFLOWS_PY_')) delete env[name];
after(() => rmSync(folder, { recursive: true, force: true }));

const verbs = {
  workflows: [], list: [], show: ['h'], resume: ['h'], cancel: ['h'], graph: ['noop'], watch: ['h'], run: ['noop'], start: ['noop'],
  send: ['h', 'E', 'a=1'], ask: ['h', 'a=1'],
};
const call = (words, { environment = {}, stdio = ['ignore', 'pipe', 'pipe'], input } = {}) =>
  spawnSync(weir, words, { env: { ...env, ...environment }, encoding: 'utf8', input, ...(input === undefined ? { stdio } : {}), timeout: 60000 });
const lines = text => text.trim().split('\n');

/** One server for each kind of answer. */
async function answering(status, body, headers = {}) {
  const server = createServer((request, response) => { response.writeHead(status, { 'content-type': 'application/json', ...headers }); response.end(body); });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}
/** spawnSync would keep the server above from answering. */
const callBeside = words => new Promise(resolve => {
  const child = spawn(weir, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '', stderr = '';
  child.stdout.on('data', chunk => { stdout += chunk; });
  child.stderr.on('data', chunk => { stderr += chunk; });
  child.on('close', status => resolve({ status, stdout, stderr }));
});

const served = await startServer(['--host', '127.0.0.1']);
const locked = await startServer(['--host', '127.0.0.1', '--api-key', 'right']);
const notFound = await answering(404, '{"detail":"Handler not found"}');
const busy = await answering(503, '{"detail":"come again"}', { 'retry-after': '1' });
const noServer = await answering(200, '<html>', { 'content-type': 'text/html' });

for (const [verb, words] of Object.entries(verbs)) {
  test(`${verb}: no server, the wrong key, 404, 503 and what is no workflow server have an exit code and one sentence`, async () => {
    for (const [server, status, sentence, more] of [
      ['http://127.0.0.1:9', 3, /^weir: (GET|POST) http:\/\/127\.0\.0\.1:9\/\S* ?.*connect/i],
      [locked.base, 5, /^weir: .*\(\w+ http:\S+ answered 401\)/, ['--api-key-file', join(folder, 'wrong.key')]],
      [notFound, 4, /^weir: Handler not found \(\w+ http:\S+ answered 404\)/],
      [busy, 3, /^weir: come again \(\w+ http:\S+ answered 503\)/],
      [noServer, 5, /^weir: .*is this a workflow server\?|is no stream of events/],
    ]) {
      const got = await callBeside([verb, ...words, '--server', server, ...(more ?? [])]);
      assert.equal(got.status, status, `${verb} at ${server}: ${got.stderr}`);
      assert.match(got.stderr, sentence);
      assert.equal(lines(got.stderr).length, 1, got.stderr);
      assert.equal(got.stdout, '');
    }
  });
  test(`${verb}: the flag wins over the environment`, () => {
    const got = call([verb, ...words, '--server', 'http://127.0.0.1:9'], { environment: { WEIR_SERVER: served.base } });
    assert.equal(got.status, 3, got.stderr);
    const fromEnvironment = call([verb, ...words], { environment: { WEIR_SERVER: 'http://127.0.0.1:9' } });
    assert.equal(fromEnvironment.status, 3, fromEnvironment.stderr);
  });
}
writeFileSync(join(folder, 'wrong.key'), 'wrong\n', { mode: 0o600 });

test('what cannot be written is told, by every verb that writes', () => {
  const full = openSync('/dev/full', 'w');
  call(['start', 'noop', '--handler-id', 'there', '--server', served.base]);
  for (const words of [['workflows'], ['list'], ['list', '--json'], ['show', 'there'], ['graph', 'noop'], ['watch', 'there'], ['run', 'noop'], ['start', 'noop']]) {
    const got = call([...words, '--server', served.base], { stdio: ['ignore', full, 'pipe'] });
    assert.equal(got.status, 1, `${words}: ${got.stderr}`);
    assert.match(got.stderr, /^weir: standard output cannot be written: No space left on device$/m);
  }
  for (const words of [['man'], ['completion', 'bash'], ['settings'], ['serve', '--print-config'], ['--help'], ['--version']]) {
    const got = call(words, { stdio: ['ignore', full, 'pipe'] });
    assert.equal(got.status, 1, `${words}: ${got.stderr}`);
    assert.match(got.stderr, /standard output cannot be written/);
  }
});

test('a reader that goes away ends the command without a word', () => {
  const got = spawnSync('bash', ['-c', `${weir} man | head -1; echo "\${PIPESTATUS[0]}"`], { env, encoding: 'utf8' });
  assert.match(got.stdout, /^\.TH WEIR 1.*\n(141|0)\n$/);
  assert.equal(got.stderr, '');
});

test('words are taken as they are typed: lists in brackets, and anything behind --', () => {
  const echo = words => call(['start', 'nobody', ...words, '--server', served.base]);
  assert.match(echo(['[x,y]']).stderr, /Workflow not found|'\[x,y\]' is no field/);
  const got = call(['list', '--workflow', '[a,b]', '--json', '--server', served.base]);
  assert.equal(got.status, 0, got.stderr);
  assert.equal(got.stdout, '');
  for (const words of [['--', '-x'], ['--', '--json']]) {
    const shown = call(['show', ...words, '--server', served.base].filter(word => word !== '--server' && word !== served.base), { environment: { WEIR_SERVER: served.base } });
    assert.equal(shown.status, 4, shown.stderr);
  }
  const mixed = call(['start', 'noop', 'a=1', '--json', '--', 'b=-x', '-c=2'], { environment: { WEIR_SERVER: served.base } });
  assert.ok([0, 5].includes(mixed.status), mixed.stderr);
  for (const limit of ['-1', '0', 'x']) assert.equal(call(['list', '--limit', limit, '--server', served.base]).status, 2);
});

test('a terminal that can do nothing gets plain lines, and NO_COLOR no colours', () => {
  const seen = environment => spawnSync('script', ['-qec', `${weir} run noop --server ${served.base}`, '/dev/null'], { env: { ...env, TERM: 'xterm', ...environment }, encoding: 'utf8' }).stdout;
  assert.match(seen({}), /\x1b\[32m/);
  assert.doesNotMatch(seen({ NO_COLOR: '1' }), /\x1b\[\d+m/);
  assert.doesNotMatch(seen({ TERM: 'dumb' }), /\x1b/);
});

test('a key on the command line is warned about, one from the environment is not', () => {
  const given = call(['workflows', '--api-key', 'right', '--server', locked.base]);
  assert.equal(given.status, 0);
  assert.match(given.stderr, /--api-key can be seen by other users/);
  const named = call(['workflows', '--server', locked.base], { environment: { WEIR_API_KEY: 'right' } });
  assert.equal(named.status, 0);
  assert.equal(named.stderr, '');
});

test('db: what is no database of Weir\'s is said, and looking changes nothing', async () => {
  const empty = join(folder, 'empty.db'), text = join(folder, 'text.db'), file = join(folder, 'kept.db');
  writeFileSync(empty, '');
  writeFileSync(text, 'this is no database, but it is long enough to be looked at as if it were one. '.repeat(20));
  for (const verb of ['stats', 'check'])
    for (const [path, sentence] of [[empty, /empty.db' is no database of Weir's: nothing is in it/], [text, /text.db/], [join(folder, 'none.db'), /there is no database/]]) {
      const got = call(['db', verb, path]);
      assert.equal(got.status, 2, `${verb} ${path}: ${got.stdout}${got.stderr}`);
      assert.match(got.stderr, sentence);
      assert.doesNotMatch(got.stderr, /PRAGMA|SELECT|no such table/);
    }
  const server = await startProgram(built('weir-bench-server'), ['--host', '127.0.0.1', '--port', '0', '--store', `sqlite:${file}`], { survives: false });
  call(['run', 'noop', '--server', server.base]);
  server.process.kill('SIGKILL');
  await server.ended;
  const content = name => (existsSync(name) ? readFileSync(name).toString('base64') : '');
  const before = [content(file), content(`${file}-wal`)];
  assert.ok(statSync(`${file}-wal`).size > 0);
  for (const verb of ['check', 'stats']) assert.equal(call(['db', verb, file]).status, 0);
  assert.deepEqual([content(file), content(`${file}-wal`)], before);
});
