// What the regression tests have in common: a server in a folder of its own, and programs by hand.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Server, eventually } from '../server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weir-crash-'));
const servers = [];
after(async () => {
  for (const server of servers) if (!server.child?.ended) await server.end();
  rmSync(folder, { recursive: true, force: true });
});

export function newServer(name) {
  servers.push(new Server(join(folder, name)));
  return servers.at(-1);
}
/** `faults`: variables of faults.cpp. With FAULT_WHILE the calls fail while server.failing(true) holds. */
export async function begun(name, options = [], faults = {}) {
  const server = newServer(name), named = { FAULT_WHILE: server.flag, FAULT_COUNTER: server.counter };
  await server.begin(options, Object.fromEntries(Object.entries(faults).map(([key, value]) => [key, value === true ? named[key] : value])));
  return server;
}
let starts = 0;
/** Begins the program, a list of operations, and returns the handler's id. */
export async function start(server, ops, handler_id) {
  const answer = await server.insist('POST', '/workflows/machine/run-nowait', { start_event: { id: 1, ops, fix: [] }, handler_id }, { 'idempotency-key': `start ${++starts}` });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body.handler_id;
}
export const chain = (id, ops) => ['go', { type: 'Chain', id, ops, fix: [] }];
export const child = (id, ops, then) => ['go', { type: 'ChildStart', id, ops: [...ops, ['go', { type: 'ChildDone', id: id + 1, then }]], fix: [] }];
export const reply = (server, id, key) => server.insist('POST', `/events/${id}`, { event: { type: 'Reply', value: { key, text: 'yes' } } });

export const row = async (server, id) => (await server.get(`/handlers/${id}`)).body;
/** The events shown so far, without waking the run: "Ask k1", "Note got yes". */
export async function shown(server, id) {
  const { body } = await server.get(`/events/${id}?stream=false&after_sequence=-1`);
  return body.events.map(({ type, value }) => `${type} ${value.key ?? value.text ?? JSON.stringify(value.result)}`);
}
export const effects = (server, name) => readFileSync(server.ledger, 'utf8').split('\n').filter(line => line.includes(` ${name} `));

/** Waits for it; an error says for what. */
export async function until(what, holds, milliseconds = 60000) {
  if (!(await eventually(holds, milliseconds))) throw new Error(`not within ${milliseconds / 1000} s: ${what}`);
}
export async function ended(server, id) {
  if (await eventually(async () => (await row(server, id)).status !== 'running', 60000)) return;
  throw new Error(`${id} does not end; it has shown ${(await shown(server, id)).join(', ')}`);
}
export const asks = (server, id, key) => until(`${id} asks ${key}`, async () => (await shown(server, id)).includes(`Ask ${key}`));
export const asleep = (server, id) => until(`${id} is at rest`, async () => (await server.get(`/handlers/${id}?detail=true`)).body.waiting_for.length > 0);
