// What a client does with one program: start it, follow it, answer its questions, and perhaps cancel, continue or fork it.
import { Random } from './random.mjs';
import { PageReader, StreamReader, isTerminal, storedLog } from './readers.mjs';
import { Abandoned, eventually, pause } from './server.mjs';

/** Drawn once, the same for the undisturbed and the disturbed execution. */
export function plan(random, index, program) {
  const client = { id: `h${index}`, program, reader: random.pick(['stream', 'stream', 'page']), start: random.weighted({ named: 4, unnamed: 1.5, run: 1, once: 1 }),
    startAt: random.between(0, 250), answerWithin: random.pick([0, 0, 20, 120]), seed: random.between(1, 1e9),
    pushAt: program.pushes.map(() => random.between(0, 250)), twice: random.chance(0.3) };
  const then = random.weighted({ nothing: 5, cancel: 1.2, again: 1.2, fork: forkable(program) ? 3 : 0 });
  if (then === 'cancel') client.cancel = { at: random.between(0, 300), purge: random.chance(0.4) };
  if (then === 'again') client.again = true;
  if (then === 'fork') client.fork = { where: random.next() };
  // Who reads /run asks for the row meanwhile, which would show a purge as a fault.
  if (client.start === 'run' && (client.reader === 'page' || client.cancel)) client.start = 'named';
  return client;
}
const forkable = ({ loose, pushes, start }) => !loose && pushes.length === 0 && !JSON.stringify(start).includes('"Handout"');

const continuation = { id: 900, fix: [], ops: [['write', 'again'], ['add'], ['once', 'a', 0, 0], ['nonces'], ['sleep', 10], ['set', 's900', true],
  ['go', { type: 'Chain', id: 901, ops: [['write', 'x'], ['sleep', 10], ['stop', 'again']], fix: [] }]] };

/** Goes on by itself, and is awaited later: that nobody waits for it any more is no error of its own. */
const background = work => work.catch(error => { if (!(error instanceof Abandoned)) throw error; });

class Client {
  /** `record`: what came of it, for the judge; of `second` (continued) and `fork` the same again. */
  constructor(server, client, record) {
    Object.assign(this, { server, client, record, program: client.program, random: new Random(client.seed), id: client.id, pending: [], asked: new Map() });
  }
  problem(text) { this.record.problems.push(`${this.id}: ${text}`); }

  async play() {
    await pause(this.client.startAt);
    if (await this.start()) await this.follow();
  }
  async follow() {
    this.record.id = this.id;
    const kind = this.client.reader === 'page' ? PageReader : StreamReader;
    const reader = new kind(this.server, this.id, this.random, { hears: (sequence, event) => this.hear(sequence, event), mayVanish: this.client.cancel?.purge });
    this.record.reader = reader;
    this.program.pushes.forEach((push, i) => this.later(`push${i}`, 'Push', push, this.client.pushAt[i]));
    if (this.client.cancel) await this.cancel();
    await reader.done;
    await Promise.all(this.pending);
    if (this.running) this.record.run = await this.running;
    if (this.server.abandoned || this.client.cancel?.purge) return;
    await look(this.server, this.id, this.record);
    if (this.client.again) await this.goOn();
    if (this.client.fork && this.record.row.status !== 'cancelled') await this.fork();
  }

  // ---- starting

  request() {
    const named = this.client.start === 'unnamed' ? {} : { handler_id: this.id };
    return { start_event: this.program.start, ...named };
  }
  route(verb) { return `/workflows/${this.program.workflow}/${verb}`; }
  start() {
    if (this.client.start === 'run') return this.startAndWait();
    return this.client.start === 'once' ? this.startOnce() : this.startNowait();
  }
  async startAndWait() {
    this.running = background(this.server.insist('POST', this.route('run'), this.request(), { 'idempotency-key': `start ${this.id}` }));
    return eventually(async () => this.server.abandoned || (await this.server.get(`/handlers/${this.id}`)).status !== 404, 120000);
  }
  async startNowait() {
    const request = this.request(), headers = { 'idempotency-key': `start ${this.id}` };
    const send = () => this.server.insist('POST', this.route('run-nowait'), request, headers);
    const answer = await send();
    if (answer.status !== 200) { this.problem(`the start (sent ${answer.tries} times) was answered ${answer.status} ${answer.text}`); return false; }
    this.id = answer.body.handler_id;
    this.record.runId = answer.body.run_id;
    if (this.client.twice) this.compareStarts(answer, await send());
    return true;
  }
  compareStarts(first, again) {
    const same = again.body.handler_id === first.body.handler_id && again.body.run_id === first.body.run_id;
    if (!same && !(again.status === 404 && this.client.cancel?.purge)) this.problem(`the start sent again was answered ${again.text}, first ${first.text}`);
  }
  /** Gives up at the first answer that is none: then nothing is there, or it goes on, soon or later. */
  async startOnce() {
    const answer = await this.server.ask('POST', this.route('run-nowait'), this.request()).catch(() => null);
    if (answer?.status === 200) this.record.runId = answer.body.run_id;
    else if (answer) this.server.refused('POST', this.route('run-nowait'), answer);
    if (answer?.status === 200) return true;
    this.record.gaveUp = answer ? `${answer.status} ${answer.text}` : 'no answer';
    return eventually(async () => !this.server.abandoned && (await this.server.get(`/handlers/${this.id}`)).status !== 404, 1000);
  }

  // ---- while it is under way

  hear(sequence, event) {
    const { type, value } = event, within = this.client.answerWithin ? this.random.between(0, this.client.answerWithin) : 0;
    if (type === 'Ask' && !value.key.startsWith('late')) {
      const times = (this.asked.get(value.key) ?? 0) + 1;
      this.asked.set(value.key, times);
      this.later(sequence, 'Reply', { key: value.key, text: `${value.key} ${times}` }, within);
    }
    if (type === 'Handout') this.later(sequence, 'Handback', value, within);
  }
  later(key, type, value, delay) { this.pending.push(background(this.post(key, type, value, delay))); }
  async post(key, type, value, delay) {
    await pause(delay);
    const send = () => this.server.insist('POST', `/events/${this.id}`, { event: { type, value } }, { 'idempotency-key': `${this.id} ${key}` });
    const answer = await send(), mayBeOver = this.client.cancel || this.program.loose;
    // A run that fails does not wait for the answers to its questions any more.
    if (answer.status === 409 && (await this.server.get(`/handlers/${this.id}`)).body.status === 'failed') return;
    if (answer.status !== 200 && !mayBeOver) this.problem(`${type} ${key} (sent ${answer.tries} times) was answered ${answer.status} ${answer.text}`);
    if (!this.client.twice || mayBeOver) return;
    const again = await send();
    if (again.status !== answer.status) this.problem(`${type} ${key} sent again was answered ${again.status} ${again.text}, first ${answer.status}`);
  }
  async cancel() {
    await pause(this.client.cancel.at);
    this.record.cancelled = await this.server.insist('POST', `/handlers/${this.id}/cancel${this.client.cancel.purge ? '?purge=true' : ''}`);
  }

  // ---- afterwards

  async goOn() {
    const { id, server, record } = this;
    const answer = await server.insist('POST', this.route('run-nowait'), { start_event: continuation, handler_id: id }, { 'idempotency-key': `again ${id}` });
    if (answer.status !== 200) return this.problem(`going on (sent ${answer.tries} times) was answered ${answer.status} ${answer.text}`);
    const second = { id, problems: record.problems, runId: answer.body.run_id };
    record.second = second;
    second.reader = new StreamReader(server, id, new Random(this.client.seed + 1));
    await second.reader.done;
    if (server.abandoned) return undefined;
    await look(server, id, second);
    const first = await storedLog(server, `/runs/${record.row.run_id}/events`);
    if (JSON.stringify(first) !== JSON.stringify(record.log)) this.problem(`the log of its earlier run is another now: ${first.length} events, were ${record.log.length}`);
    return undefined;
  }
  async fork() {
    const { id, server, record } = this, shown = record.log.filter(({ event }) => !isTerminal(event));
    const at = shown.length ? shown[Math.floor(this.client.fork.where * shown.length)].sequence : 0;
    const answer = await server.insist('POST', `/handlers/${id}/rerun`, { from_sequence: at }, { 'idempotency-key': `fork ${id}` });
    if (answer.status !== 200) { record.forkRefused = answer.body?.detail ?? answer.text; return; }
    const fork = { at, id: answer.body.handler_id, runId: answer.body.run_id, problems: record.problems };
    record.fork = fork;
    fork.reader = new PageReader(server, fork.id, new Random(this.client.seed + 2));
    const answering = background(answerAtRest(server, fork, questions(this.program.start)));
    await fork.reader.done;
    await answering;
    if (!server.abandoned) await look(server, fork.id, fork);
  }
}

/** The keys of all questions in a program. */
function questions(ops) {
  return [...new Set([...JSON.stringify(ops).matchAll(/\["wait","([^"]+)",[^,]*,null\]/g)].map(([, key]) => key))];
}

/** Whenever the fork waits for somebody, every question that the program has is answered once; those not asked now are not taken. */
async function answerAtRest(server, fork, keys) {
  for (let round = 0; keys.length && !fork.reader.finished && !server.abandoned;) {
    const { body } = await server.get(`/handlers/${fork.id}?detail=true`);
    if (body.status === 'running' && body.waiting_for.some(({ event_type }) => event_type === 'Reply')) {
      for (const key of keys)
        await server.insist('POST', `/events/${fork.id}`, { event: { type: 'Reply', value: { key, text: `${key} 0` } } }, { 'idempotency-key': `${fork.id} ${key} ${round}` });
      round++;
    }
    await pause(60);
  }
}

/** Row, log and states as they are now. */
async function look(server, id, record) {
  const { body: row } = await server.get(`/handlers/${id}`), log = await storedLog(server, `/events/${id}`);
  const { body: { states: state = {} } } = await server.get(`/handlers/${id}/state`);
  Object.assign(record, { row, log, state });
}

/** Plays the plan and fills the record, { problems: [] }, also when the rest never comes. */
export const playing = (server, client, record) => new Client(server, client, record).play();
/** The same for a run that is there already. */
export const following = (server, client, record) => new Client(server, client, record).follow();
