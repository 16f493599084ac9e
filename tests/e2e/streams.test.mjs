// Server-Sent Events as npm's EventSource and raw sockets see them: resume, heartbeat, cursors, slow and leaving readers.
import assert from 'node:assert';
import net from 'node:net';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import { eventually, json, post, startServer } from './server.mjs';

const { base } = await startServer(['--heartbeat', '200ms']);

const start = async (name, start_event = {}) => (await json(await post(base, `/workflows/${name}/run-nowait`, { start_event }))).body.handler_id;
const finished = id => eventually(() => fetch(`${base}/handlers/${id}`), answer => answer.status !== 202);

/** Collects frames until `done` holds; resolves to them. */
function follow(url, done, options) {
  const source = new EventSource(url, options);
  const frames = [];
  return new Promise((resolve, reject) => {
    source.onmessage = event => {
      frames.push({ id: Number(event.lastEventId), ...JSON.parse(event.data) });
      if (done(frames)) { source.close(); resolve(frames); }
    };
    source.onerror = error => { source.close(); reject(new Error(`stream ended after ${frames.length} frames: ${error.message}`)); };
  });
}
const isOver = frames => frames.at(-1).type === 'StopEvent';

test('EventSource reads a run to its end, ids are sequences', async () => {
  const id = await start('stream1000', { n: 2500 });
  const frames = await follow(`${base}/events/${id}?after_sequence=-1`, isOver);
  assert.equal(frames.length, 2501);
  assert.ok(frames.every((frame, i) => frame.type === 'StopEvent' || frame.value.i === i));
  assert.ok(frames.every((frame, i) => i === 0 || frame.id > frames[i - 1].id));
});

test('Last-Event-ID resumes exactly after the frame that was seen', async () => {
  const id = await start('stream1000', { n: 50 });
  await finished(id);
  const response = await fetch(`${base}/events/${id}?after_sequence=-1`, { headers: { 'Last-Event-ID': '40' } });
  const text = await response.text();
  assert.equal(text.split('\n')[0], 'id: 41');
  assert.equal(text.match(/^id: /gm).length, 11);
});

test('the first reader without a cursor gets everything, the next one only what is new', async () => {
  const id = await start('hitl');
  const first = await follow(`${base}/events/${id}`, frames => frames.length === 1);
  assert.equal(first[0].type, 'Ask');
  const second = follow(`${base}/events/${id}`, isOver);
  await new Promise(resolve => setTimeout(resolve, 50));  // it must have subscribed before the answer comes
  await post(base, `/events/${id}`, { event: { type: 'Answer', value: { response: 'x' } } });
  assert.deepEqual((await second).map(frame => frame.type), ['StopEvent']);
});

/** Raw bytes of a GET until `enough`; the socket is handed over still open. */
function raw(path, enough) {
  const { hostname, port } = new URL(base);
  const socket = net.connect(Number(port), hostname);
  let text = '';
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    socket.on('data', chunk => { text += chunk; if (enough(text)) resolve({ socket, text }); });
    socket.on('error', reject);
  });
}

test('an idle stream carries heartbeats, NDJSON carries none', async () => {
  const id = await start('hitl');
  const { socket, text } = await raw(`/events/${id}?after_sequence=0`, seen => (seen.match(/: heartbeat/g) ?? []).length >= 3);
  socket.destroy();
  assert.match(text, /\r\n: heartbeat\n\n\r\n/);
  const lines = await raw(`/events/${id}?after_sequence=-1&sse=false`, seen => seen.includes('"Ask"'));
  await new Promise(resolve => setTimeout(resolve, 500));
  lines.socket.destroy();
  assert.ok(!lines.text.includes('heartbeat'));
});

test('a reader that does not read costs nobody anything and finds all events later', { timeout: 60000 }, async () => {
  const id = await start('stream1000', { n: 100000 });
  const { socket } = await raw(`/events/${id}?after_sequence=-1`, seen => seen.includes('id: 1\n'));
  socket.pause();
  await finished(id);
  const other = await (await fetch(`${base}/events/${id}?after_sequence=-1&sse=false`)).text();
  assert.equal(other.split('\n').length - 1, 100001);
  let bytes = 0, tail = '';
  const ended = new Promise(resolve => socket.on('data', chunk => {
    bytes += chunk.length;
    tail = (tail + chunk).slice(-300);
    if (tail.includes('"type":"StopEvent"')) resolve();
  }));
  socket.resume();
  await ended;
  socket.destroy();
  assert.ok(bytes > 5e6);
});

test('many readers of one run all see all of it', async () => {
  const id = await start('gated_stream', { n: 200 });
  const readers = Array.from({ length: 50 }, () => follow(`${base}/events/${id}?after_sequence=-1`, isOver));
  await post(base, `/events/${id}`, { event: { type: 'HumanResponseEvent', value: {} } });
  for (const frames of await Promise.all(readers)) assert.equal(frames.filter(frame => frame.type === 'Tick').length, 200);
});

test('line separators inside values do not break lines', async () => {
  const id = await start('echo', { text: 'a\u2028b\u2029c\u0085d' });
  await finished(id);
  const text = await (await fetch(`${base}/events/${id}?after_sequence=-1&sse=false`)).text();
  assert.ok(text.includes('a\\u2028b\\u2029c\\u0085d'));
  assert.equal(JSON.parse(text).value.result.text, 'a\u2028b\u2029c\u0085d');
});

test('a client that leaves while its run is awaited or streamed harms nobody', async () => {
  for (let i = 0; i < 50; i++) {
    const { hostname, port } = new URL(base);
    const socket = net.connect(Number(port), hostname);
    const body = '{"start_event":{"seconds":0.05}}';
    socket.write(`POST /workflows/slow/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      () => setTimeout(() => socket.destroy(), 5));
  }
  await eventually(async () => (await (await fetch(`${base}/handlers?workflow_name=slow&status=completed`)).json()).handlers.length, n => n === 50);
});

test('a server that is told to stop ends open streams properly', async () => {
  const other = await startServer();
  const { handler_id } = await (await post(other.base, '/workflows/hitl/run-nowait', {})).json();
  const response = await fetch(`${other.base}/events/${handler_id}?after_sequence=-1`);
  const reading = response.text();
  await other.stop();
  assert.match(await reading, /"type":"Ask"/);
});
