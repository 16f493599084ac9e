// Requests that ask too much, or are no requests, get an answer (contract 1.1, and what HTTP allows).
import assert from 'node:assert';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { test } from 'node:test';
import { eventually, json, post, startProgram, startServer } from './server.mjs';

const { base } = await startServer();

/** Sends bytes and resolves to everything that came back until the server closed. */
function exchange(bytes, server = base) {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname);
    let text = '';
    socket.on('data', chunk => { text += chunk; });
    socket.on('close', () => resolve(text));
    socket.on('error', error => (text ? resolve(text) : reject(error)));
    socket.write(bytes);
  });
}

test('a body beyond the limit: 413', async () => {
  const size = 17 << 20;
  const answer = await exchange(`POST /workflows/echo/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('a target beyond the limit: 414; a head beyond the limit: 431', async () => {
  assert.equal((await fetch(`${base}/health?${'q'.repeat(140000)}`)).status, 414);
  assert.match(await exchange(`GET /health HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(300000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test('a request that never ends: 408; an idle connection is closed without a word', async () => {
  const slow = await startServer(['--read-timeout', '1']);
  assert.match(await exchange('POST /workflows/echo/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{', slow.base), /^HTTP\/1\.1 408 /);
  assert.match(await exchange('GET /health HTTP/1.1\r\nHo', slow.base), /^HTTP\/1\.1 408 /);
  assert.match(await exchange('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n', slow.base), /^HTTP\/1\.1 200 [^]*"healthy"}$/);
  const waiting = await post(slow.base, '/workflows/slow/run', { start_event: { seconds: 2.5 } });
  assert.equal(waiting.status, 200, 'an answer may take longer than a request');
});

const get = (path, fields = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
const CLOSE = 'Connection: close\r\n';
const answersIn = text => (text.match(/HTTP\/1\.1 \d+/g) ?? []).map(line => Number(line.slice(9)));

test('requests behind one that closes are not answered, and end nothing', async () => {
  const behind = get('/health');
  assert.deepEqual(answersIn(await exchange(get('/handlers?limit=5') + get('/health', CLOSE) + behind)), [200, 200]);
  const { base: keyed } = await startServer(['--api-key', 'secret']);
  const asset = /assets\/[^"]+\.js/.exec(await (await fetch(keyed)).text())[0];
  const large = get(`/${asset}`);
  const closing = get('/handlers', CLOSE) + get('/handlers');
  const unread = net.connect(Number(new URL(keyed).port), '127.0.0.1').on('error', () => {});
  unread.pause();
  unread.write(large + large + closing.repeat(4));
  assert.deepEqual(answersIn(await exchange(large + large + closing.repeat(4), keyed)).slice(-1), [401]);
  assert.equal((await fetch(`${keyed}/health`)).status, 200);
  unread.destroy();
});

test('a hundred pipelined requests: a hundred answers', async () => {
  assert.equal(answersIn(await exchange(get('/health').repeat(99) + get('/health', CLOSE))).length, 100);
});

test('what HTTP forbids is refused', async () => {
  const status = async bytes => answersIn(await exchange(bytes))[0];
  assert.equal(await status('GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n'), 400);
  assert.equal(await status('GET http://localhost/health HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n'), 200);
  assert.equal(await status('GET /health HTTP/2.0\r\nHost: localhost\r\n\r\n'), 505);
  assert.equal(await status(get('/health', 'Expect: the-unexpected\r\n')), 417);
  assert.equal(await status('POST /workflows/echo/run HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}'), 415);
  assert.equal(await status('GET /health HTTP/1.1\nHost: localhost\r\n\r\n'), 400);
  assert.equal(await status(get('/health', 'A : b\r\n')), 400);
  assert.equal(await status(get('/health', 'A: b\r\n c\r\n')), 400);
});

test('without a key no body is read, and a hundred large ones need no memory', async () => {
  const server = await startServer(['--api-key', 'secret']);
  const rss = async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.process.pid}/status`, 'utf8'))[1]);
  const before = await rss();
  const answers = await Promise.all(Array.from({ length: 100 }, () =>
    exchange('POST /workflows/echo/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000000\r\n\r\n' + 'x'.repeat(1 << 20), server.base)));
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 401 /);
  assert.ok(await rss() - before < 100 * 1024, `${await rss() - before} KiB more`);
});

test('more idle connections than files may be open: who comes later is served, and so is everybody when they have left', async () => {
  const server = await startProgram('/bin/sh', ['-c', `ulimit -n 256; exec ${process.env.WEIR_BENCH_SERVER} --port 0`]);
  const { port } = new URL(server.base);
  const idle = Array.from({ length: 400 }, () => net.connect(Number(port), '127.0.0.1').on('error', () => {}));
  await eventually(() => idle.filter(socket => !socket.connecting).length, connected => connected > 300);
  assert.equal(answersIn(await exchange(get('/health', CLOSE), server.base))[0], 200);
  for (const socket of idle) socket.destroy();
  for (let i = 0; i < 20; i++) assert.equal((await fetch(`${server.base}/health`)).status, 200);
  assert.match(server.log(), /192 connections at most, of 10000: only 256 files may be open/);
});

test('errors carry CORS headers, preflights are answered on any path', async () => {
  const headers = { Origin: 'http://localhost:3000' };
  for (const path of ['/nope', '/events/nope', '/workflows']) {
    const answer = await fetch(base + path, { headers });
    assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    assert.equal(answer.headers.get('access-control-allow-credentials'), 'true');
    assert.equal(answer.headers.get('vary'), 'Origin');
  }
  const preflight = await fetch(`${base}/anything`, { method: 'OPTIONS', headers: { ...headers, 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'last-event-id' } });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'last-event-id');
  const unknown = await exchange(`FOO /health HTTP/1.1\r\nHost: localhost\r\nOrigin: ${headers.Origin}\r\n${CLOSE}\r\n`);
  assert.match(unknown, /^HTTP\/1\.1 405 /);
  assert.match(unknown, /access-control-allow-origin: http:\/\/localhost:3000\r\n/i);
});

test('deeply nested and huge inputs are refused with a sentence', async () => {
  const deep = await json(await post(base, '/workflows/echo/run', '['.repeat(100000)));
  assert.deepEqual(deep, { status: 400, body: { detail: 'Invalid JSON body: nested deeper than 256 levels' } });
});

test('openapi.json describes the routes', async () => {
  const { body } = await json(await fetch(`${base}/openapi.json`));
  assert.equal(body.openapi, '3.0.0');
  assert.ok(body.paths['/events/{handler_id}'].post);
});

test('the same handler id started many times at once starts once', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => post(base, '/workflows/hitl/run-nowait', { handler_id: 'only-one' })));
  const statuses = answers.map(answer => answer.status).sort();
  assert.equal(statuses.filter(status => status === 200).length, 1);
  assert.equal(statuses.filter(status => status === 409).length, 39);
});

test('the port is said plainly when it is taken', async () => {
  const { port } = new URL(base);
  await assert.rejects(startServer([], { port }), new RegExp(`cannot listen on 127.0.0.1:${port}`));
});

test('a host that is no address, and an IPv6 address that is not ours, are said plainly', async () => {
  await assert.rejects(startServer(['--host', 'nosuch']), /cannot listen on nosuch:\d+: 'nosuch' is no address; give one like 127\.0\.0\.1/);
  await assert.rejects(startServer(['--host', '2001:db8::1']), /cannot listen on \[2001:db8::1\]:\d+: /);
});
