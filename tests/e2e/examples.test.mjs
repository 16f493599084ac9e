// The examples behind HTTP: the agent against a scripted model, the long loop across Ctrl+C.
import assert from 'node:assert';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { built, post, startProgram } from './server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weir-examples-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const serve = (...args) => startProgram(built('weir-examples'), ['--port', '0', ...args]);

/** The events of a run, from its first on, as they come. */
async function* events(base, id) {
  const response = await fetch(`${base}/events/${id}?sse=false&after_sequence=-1`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

/** Answers each request with the next of the scripted streams; remembers what it was asked. */
async function scriptedModel(replies) {
  const asked = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => { body += chunk; });
    request.on('end', () => {
      asked.push({ url: request.url, ...JSON.parse(body) });
      const reply = replies.shift();
      if (typeof reply === 'number') return response.writeHead(reply).end('{"error":"overloaded"}');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const delta of reply) response.write(`data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`);
      response.end('data: [DONE]\n\n');
    });
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.on('listening', resolve));
  after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}/v1`, asked };
}

test('research agent: tools are called, several at once, tokens are streamed, a model that fails is asked again', async () => {
  const notes = join(folder, 'notes');
  mkdirSync(notes);
  writeFileSync(join(notes, 'weirs.txt'), 'A weir holds a river back.');
  const call = (index, id, topic) => ({ tool_calls: [{ index, id, function: { name: 'look_up', arguments: topic } }] });
  const model = await scriptedModel([
    503,
    [call(0, 'c1', '{"topic": "we'), { tool_calls: [{ index: 0, function: { arguments: 'irs"}' } }] }, call(1, 'c2', '{"topic": "../secrets"}')],
    [{ content: 'A weir ' }, { content: 'holds a river back.' }],
  ]);
  const { base } = await serve('--base-url', model.url, '--notes', notes);
  const started = await (await post(base, '/workflows/research/run-nowait', { start_event: { text: 'What is a weir?' } })).json();
  const seen = [];
  for await (const event of events(base, started.handler_id)) seen.push(event);
  assert.deepEqual(seen.filter(event => event.type === 'Token').map(event => event.value.text), ['A weir ', 'holds a river back.']);
  assert.deepEqual(seen.filter(event => event.type === 'LookUp').map(event => event.value.topic).sort(), ['../secrets', 'weirs']);
  assert.deepEqual(seen.at(-1).value, { text: 'A weir holds a river back.', look_ups: 2 });
  assert.deepEqual(model.asked.map(request => request.messages.length), [2, 2, 5]);
  const tools = model.asked[2].messages.slice(3).map(message => [message.tool_call_id, message.content]).sort();
  assert.deepEqual(tools, [['c1', 'A weir holds a river back.'], ['c2', 'There is no note about ../secrets']]);
  assert.equal(model.asked[0].url, '/v1/chat/completions');
  assert.equal(model.asked[0].tools[0].function.name, 'look_up');
});

test('long loop: Ctrl+C in the middle, and the next server goes on behind the last turn that was shown', async () => {
  const store = ['--store', `sqlite:${join(folder, 'loop.db')}`];
  const first = await serve(...store);
  const { handler_id } = await (await post(first.base, '/workflows/loop/run-nowait', { start_event: { to: 40, pause_ms: 20 } })).json();
  for await (const event of events(first.base, handler_id)) if (event.value.number === 10) break;
  first.process.kill('SIGINT');
  assert.equal((await first.ended).code, 0);
  const second = await serve(...store);
  const numbers = [];
  for await (const event of events(second.base, handler_id)) numbers.push(event.value.number ?? event.value.turns);
  assert.deepEqual(numbers, [...Array.from({ length: 40 }, (_, i) => i + 1), 40]);
});

test('a program that serves takes the number of its threads from its settings', async () => {
  const threads = async (...args) => {
    const served = await serve(...args);
    assert.equal((await (await post(served.base, '/workflows/greeting/run', { start_event: { name: 'Ada' } })).json()).result.value.text, 'Hello, Ada!');
    return readdirSync(`/proc/${served.process.pid}/task`).length;
  };
  assert.equal(await threads('--actor-threads', '6') - await threads('--actor-threads', '1'), 5);
});
