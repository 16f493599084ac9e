// The npm package @llamaindex/workflows-client, unmodified: every operation it has.
import assert from 'node:assert';
import { test } from 'node:test';
import * as api from '@llamaindex/workflows-client';
import { eventually, startServer } from './server.mjs';

const { base } = await startServer();
const client = api.createClient(api.createConfig({ baseUrl: base }));

const start = async (name, body = {}) => (await api.postWorkflowsByNameRunNowait({ client, path: { name }, body })).data;
const finished = handler_id => eventually(
  () => api.getHandlersByHandlerId({ client, path: { handler_id } }), answer => answer.response.status !== 202);

test('getHealth and getWorkflows', async () => {
  assert.deepEqual((await api.getHealth({ client })).data, { status: 'healthy' });
  assert.equal((await api.getWorkflows({ client })).data.workflows.length, 19);
});

test('getWorkflowsByNameSchema, Events and Representation', async () => {
  const path = { name: 'greet_typed' };
  const schema = (await api.getWorkflowsByNameSchema({ client, path })).data;
  assert.deepEqual(schema.start.required, ['name']);
  const events = (await api.getWorkflowsByNameEvents({ client, path })).data;
  assert.deepEqual(events.events.map(event => event.title), ['GreetStart', 'GreetStop', 'Progress']);
  const graph = (await api.getWorkflowsByNameRepresentation({ client, path })).data;
  assert.equal(graph.graph.name, 'GreetTyped');
  const missing = await api.getWorkflowsByNameSchema({ client, path: { name: 'nope' } });
  assert.equal(missing.response.status, 404);
  assert.deepEqual(missing.error, { detail: 'Workflow not found' });
});

test('postWorkflowsByNameRun waits for the result', async () => {
  const done = await api.postWorkflowsByNameRun({ client, path: { name: 'greet' }, body: { start_event: { name: 'Ada' } } });
  assert.equal(done.data.status, 'completed');
  assert.equal(done.data.result.value.result, 'Hello, Ada!');
  const failed = await api.postWorkflowsByNameRun({ client, path: { name: 'fail' }, body: {} });
  assert.equal(failed.response.status, 500);
  assert.equal(failed.error.error, 'boom');
});

test('postWorkflowsByNameRunNowait, getHandlersByHandlerId, getResultsByHandlerId', async () => {
  const { handler_id, status } = await start('chain10', { start_event: { n: 5 } });
  assert.equal(status, 'running');
  assert.equal((await finished(handler_id)).data.result.value.result, 15);
  assert.equal((await api.getResultsByHandlerId({ client, path: { handler_id } })).data.result, 15);
});

test('getHandlers filters with repeated parameters', async () => {
  const { handler_id } = await start('hitl');
  const running = await api.getHandlers({ client, query: { status: ['running'], workflow_name: ['hitl', 'noop'] } });
  assert.ok(running.data.handlers.some(handler => handler.handler_id === handler_id));
  assert.ok(running.data.handlers.every(handler => handler.status === 'running'));
  await api.postHandlersByHandlerIdCancel({ client, path: { handler_id } });
});

test('getEventsByHandlerId streams, postEventsByHandlerId answers', async () => {
  const { handler_id } = await start('hitl', { start_event: {} });
  const seen = [];
  const { stream } = await api.getEventsByHandlerId({ client, path: { handler_id }, query: { after_sequence: -1 }, sseMaxRetryAttempts: 1 });
  for await (const event of stream) {
    seen.push(event.type);
    if (event.type !== 'Ask') continue;
    const sent = await api.postEventsByHandlerId({ client, path: { handler_id }, body: { event: { type: 'Answer', value: { response: 'Ada' } } } });
    assert.deepEqual(sent.data, { status: 'sent' });
  }
  assert.deepEqual(seen, ['Ask', 'StopEvent']);
  assert.equal((await finished(handler_id)).data.result.value.result, 'Got: Ada');
});

test('postHandlersByHandlerIdCancel cancels and purges', async () => {
  const { handler_id } = await start('hitl_forever');
  assert.deepEqual((await api.postHandlersByHandlerIdCancel({ client, path: { handler_id } })).data, { status: 'cancelled' });
  assert.equal((await api.getHandlersByHandlerId({ client, path: { handler_id } })).error.status, 'cancelled');
  assert.equal((await api.postHandlersByHandlerIdCancel({ client, path: { handler_id } })).response.status, 404);
  assert.deepEqual((await api.postHandlersByHandlerIdCancel({ client, path: { handler_id }, query: { purge: true } })).data, { status: 'deleted' });
  assert.equal((await api.getHandlersByHandlerId({ client, path: { handler_id } })).response.status, 404);
});

test('every operation of the package was driven', () => {
  const operations = Object.keys(api).filter(name => /^(get|post)[A-Z]/.test(name));
  assert.deepEqual(operations.sort(), ['getEventsByHandlerId', 'getHandlers', 'getHandlersByHandlerId', 'getHealth', 'getResultsByHandlerId',
    'getWorkflows', 'getWorkflowsByNameEvents', 'getWorkflowsByNameRepresentation', 'getWorkflowsByNameSchema', 'postEventsByHandlerId',
    'postHandlersByHandlerIdCancel', 'postWorkflowsByNameRun', 'postWorkflowsByNameRunNowait']);
});
