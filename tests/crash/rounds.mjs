// One seed: random programs, executed once undisturbed and then disturbed, and the verdict on the difference.
import { join } from 'node:path';
import { following, plan, playing } from './clients.mjs';
import { effectsDone, judgeEffects } from './effects.mjs';
import { judgeFork, judgeLog, judgeOrder, judgeReader, judgeRefusals, judgeSame } from './judge.mjs';
import { disturb, faults, options } from './modes.mjs';
import { program } from './programs.mjs';
import { Random } from './random.mjs';
import { storedLog } from './readers.mjs';
import { Abandoned, Server, eventually, pause } from './server.mjs';

const patience = 60000;    // ms in which something must have gone on
const roundMax = 600000;   // ms that a whole round may take

/** Everybody plays, until they are done or nothing goes on any more. False: somebody was stuck. */
async function everybody(server, clients, records, play = playing) {
  let left = clients.length;
  for (const [i, client] of clients.entries())
    play(server, client, records[i]).catch(error => {
      if (!(error instanceof Abandoned)) records[i].problems.push(`${client.id}: ${error.stack}`);
    }).finally(() => left--);
  const reached = () => server.process + records.reduce((sum, { row, reader, second, fork }) =>
    [reader, second?.reader, fork?.reader].reduce((frames, one) => frames + (one?.frames.length ?? 0), sum + (row ? 1 : 0)), 0);
  let last = -1, since = Date.now();
  const going = () => {
    if (!server.port || reached() !== last) { last = reached(); since = Date.now(); }  // who starts takes their time
    return Date.now() - since < patience;
  };
  await eventually(() => left === 0 || !going(), roundMax);
  if (left > 0) server.abandoned = true;
  return left === 0;
}
const newRecords = clients => clients.map(() => ({ problems: [] }));

/** Programs, and how they go when nothing happens to the server. `count` programs. */
export async function undisturbed(seed, folder, count, kind) {
  const random = new Random(seed), clients = Array.from({ length: count }, (_, i) => plan(random, i, program(random, kind)));
  const server = new Server(join(folder, 'undisturbed')), records = newRecords(clients);
  await server.begin([], { FAULT_COUNTER: server.counter });
  // Those that are cancelled are not: it is known then how they would have gone.
  const problems = (await everybody(server, clients.map(client => ({ ...client, cancel: undefined })), records)) ? [] : [stuck(clients, records)];
  server.abandoned = false;
  const handlers = await children(server, records);
  problems.push(...judgeRefusals(server.refusals), ...strays(handlers, records, clients));
  const calls = server.calls();
  await server.end();
  const done = effectsDone(server.ledger);
  clients.forEach((client, i) => problems.push(...judgeOne(client, records[i], done, 1)));
  return { seed, clients, records, calls, problems: problems.map(problem => `undisturbed: ${problem}`) };
}

/** The same with a mode of modes.mjs; `point`: the call of the disk that is hit. Returns { problems, reached }. */
export async function disturbed(calm, folder, mode, point, seed) {
  const round = new Round(calm, folder, mode, point, seed);
  return round.run();
}

class Round {
  problems = [];
  constructor(calm, folder, mode, point, seed) {
    const random = new Random(seed);
    Object.assign(this, { calm, mode, point, random, clients: calm.clients, records: newRecords(calm.clients),
      server: new Server(join(folder, 'disturbed'), { powerCuts: mode.kind === 'power', random }) });
  }
  options() { return options(this.random, this.mode); }
  check(when) { const found = this.server.check(); if (found) this.problems.push(`weir db check ${when}: ${found}`); }
  async restart() { await this.server.begin(this.options()); }

  async run() {
    const { server, mode, point, random } = this;
    server.start(this.options(), faults(mode, point, random, server));
    const watching = this.watch();
    // A server whose disk fails while it starts says so and ends: the next one has another disk.
    if (mode.fails && !(await server.ready())) await this.restart();
    let over = false;
    const disturbing = disturb(mode, { server, random, point, over: () => over, restart: () => this.restart(), options: () => this.options(), check: when => this.check(when) });
    const done = await everybody(server, this.clients, this.records);
    over = true;
    await disturbing;
    if (!done) this.problems.push(stuck(this.clients, this.records));
    server.abandoned = false;
    await this.finish();
    server.finished = true;
    await watching;
    return { problems: this.problems, reached: !mode.atPoint || server.calls() >= point, refusals: server.refusals.length, processes: server.process };
  }
  /** An end that nobody has caused is a fault. */
  async watch() {
    const { server, mode } = this;
    for (let child = server.child; !server.finished; child = server.child) {
      const ended = await child.gone;
      const dies = ended === 'SIGKILL' && ['die', 'torn'].includes(mode.kind), startFails = mode.fails && mode.atPoint && !child.answered;
      const caused = child.expected || (server.process === 1 && (dies || startFails));
      if (!caused) { this.problems.push(`the server ended by itself with ${ended}`); server.abandoned = true; await this.restart(); }
      await eventually(() => server.child !== child || server.finished);
    }
  }

  async finish() {
    const { server, mode, records, clients } = this, lastProcess = server.process;
    await eventually(async () => (await rows(server)).every(({ status }) => status !== 'running'), 10000);
    await this.lookAtLate();
    const handlers = await children(server, records);
    this.problems.push(...strays(handlers, records, clients), ...handlers.filter(({ status }) => status === 'running').map(row => `${row.handler_id} of ${row.workflow_name} is running for ever`));
    this.check('at the end');
    await this.compareAfterKill();
    await server.end();
    const done = effectsDone(server.ledger);
    this.problems.push(...judgeRefusals(server.refusals));
    clients.forEach((client, i) => this.problems.push(...judgeOne(client, records[i], done, lastProcess), ...judgeBoth(client, this.calm.records[i], records[i])));
  }
  /** Runs whose start nobody saw answered: when they are there after all, they are as any other. */
  async lookAtLate() {
    const { server, records, clients } = this;
    const late = await Promise.all(records.map(async ({ gaveUp, id }, i) => gaveUp && !id && (await server.get(`/handlers/${clients[i].id}`)).status !== 404));
    const chosen = clients.filter((_, i) => late[i]), theirs = records.filter((_, i) => late[i]);
    if (chosen.length && !(await everybody(server, chosen, theirs, following))) this.problems.push(stuck(chosen, theirs));
    server.abandoned = false;
  }
  /** When all is over, a kill changes nothing. */
  async compareAfterKill() {
    const { server, records, random } = this, before = JSON.stringify(await rows(server));
    await server.end();
    await this.restart();
    if (JSON.stringify(await rows(server)) !== before) this.problems.push('the list of handlers is another after a kill when all is over');
    for (const record of records) {
      if (!record.log || record.second || !random.chance(0.3)) continue;
      const now = await storedLog(server, `/events/${record.id}`);
      if (JSON.stringify(now) !== JSON.stringify(record.log)) this.problems.push(`${record.id}: its log is another after a kill when all is over`);
    }
  }
}

const rows = async server => (await server.get('/handlers')).body.handlers;

function stuck(clients, records) {
  const waiting = clients.flatMap(({ id, cancel }, i) => {
    const { row, id: name = id, reader } = records[i];
    return row || cancel?.purge ? [] : [`${name} (${reader ? `seen ${reader.frames.length} events, the last ${JSON.stringify(reader.frames.at(-1)?.event ?? null).slice(0, 200)}` : 'not begun'})`];
  });
  return `stuck: ${waiting.join('; ')}`;
}

/** Gives each record its children, and returns the rows of all handlers. */
async function children(server, records) {
  const all = await rows(server);
  for (const record of records.flatMap(record => [record, ...(record.fork ? [record.fork] : [])])) {
    record.children = [];
    for (const row of all.filter(({ handler_id }) => record.id && handler_id.startsWith(`${record.id}.`)))
      record.children.push({ id: row.handler_id, row, log: await storedLog(server, `/events/${row.handler_id}`) });
  }
  return all;
}

/** Handlers that should not be there. */
function strays(handlers, records, clients) {
  const known = new Set(records.flatMap(({ id, fork }, i) => [id ?? clients[i].id, fork?.id]));
  const purged = new Set(records.filter(({ cancelled }, i) => clients[i].cancel?.purge && cancelled?.status === 200).map(({ id }) => id));
  return handlers.flatMap(({ handler_id, workflow_name, status }) => {
    const root = handler_id.split('.')[0], what = `${handler_id} of ${workflow_name}, ${status}`;
    if (purged.has(root)) return [`${what}, is there although it was purged`];
    return known.has(root) ? [] : [`${what}, is known to nobody`];
  });
}

/** What holds of one client's runs whatever happened elsewhere. */
function judgeOne(client, record, done, lastProcess) {
  const problems = [...record.problems], { program } = client;
  const all = [[record, ''], [record.second, ' continued'], [record.fork, ' forked']].filter(([run]) => run?.row && run.log);
  const inherited = new Set(record.fork ? [...done].filter(([key]) => key.startsWith(`${record.id} `)).flatMap(([, effects]) => effects.map(({ nonce }) => nonce)) : []);
  for (const [run, suffix] of all) {
    const what = `${run.id}${suffix}`;
    problems.push(...judgeLog(what, run.id, run.log, run.row), ...(run.reader ? judgeReader(what, run) : []),
      ...judgeEffects(what, run.id, run.log, done, lastProcess, run === record.fork ? inherited : undefined));
    for (const child of run.children ?? []) problems.push(...judgeLog(child.id, child.id, child.log, child.row), ...judgeEffects(child.id, child.id, child.log, done, lastProcess, run === record.fork ? inherited : undefined));
  }
  if (record.row) problems.push(...judgeOrder(record.id, program, record.log));
  if (record.second?.row && record.second.runId !== record.second.row.run_id) problems.push(`${record.id}: went on as ${record.second.runId}, but is ${record.second.row.run_id}`);
  if (record.fork?.row) problems.push(...judgeFork(record.id, program, record, record.fork));
  return problems.map(problem => `${problem} [${program.kind}]`);
}

/** What holds between the undisturbed and the disturbed execution of one client's program. */
function judgeBoth(client, calm, got) {
  if (!got.row || !calm.row) return [];
  const { program } = client, id = got.id, problems = [];
  if (got.cancelled) problems.push(...judgeCancel(id, got));
  if (got.row.status !== 'cancelled' && !program.loose) {
    problems.push(...judgeSame(id, program, calm, got));
    if (got.second?.row && calm.second?.row) problems.push(...judgeSame(`${id} continued`, { serial: true }, { ...calm.second, children: [] }, { ...got.second, children: [] }));
    if (got.run) problems.push(...judgeAnswer(id, got));
  }
  if (program.kind === 'first_two' && !got.cancelled && got.row.status !== 'completed') problems.push(`${id}: is ${got.row.status}: ${got.row.error}`);
  return problems.map(problem => `${problem} [${program.kind}, ${JSON.stringify({ ...client, program: undefined })}]`);
}
function judgeCancel(id, { cancelled, row }) {
  if (cancelled.status === 200 && row.status !== 'cancelled') return [`${id}: its cancel (sent ${cancelled.tries} times) was answered 200, but it is ${row.status}`];
  if (cancelled.status === 404 && cancelled.tries === 1 && row.status === 'cancelled') return [`${id}: its cancel was answered 404, but it is cancelled`];
  return [];
}
function judgeAnswer(id, { run, row, second }) {
  const expected = row.status === 'completed' ? 200 : 500;
  const right = run.status === expected && JSON.stringify(run.body.result) === JSON.stringify(row.result) && (second || run.body.run_id === row.run_id);
  return right ? [] : [`${id}: /run (sent ${run.tries} times) was answered ${run.status} ${run.text.slice(0, 200)}`];
}
