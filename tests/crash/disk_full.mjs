// A disk that fills and empties under load, for an hour or a minute: everything that was acknowledged is done, exactly once, and memory
// stays bounded. As root it is a small tmpfs that really fills; else writes are refused by faults.cpp.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { Random } from './random.mjs';
import { Server, eventually, pause } from './server.mjs';

const laneCount = 16, patience = 60000;
const diskMiB = 512;      // several times what the write-ahead log may grow to, and what is kept
const retention = '20s';  // longer than a client that is told to come again, on a slow machine, stays away: its key goes with its run

/** { real, faults, fill, empty, remove } for what the server keeps in `folder`. */
function smallDisk(folder, server) {
  fs.mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m`, 'weir-crash', folder], { stdio: 'ignore' });
  } catch {
    const faults = { FAULT_KIND: 'enospc', FAULT_CALLS: 'write', FAULT_WHILE: server.flag };
    return { real: false, faults, fill: () => server.failing(true), empty: () => server.failing(false), remove() {} };
  }
  const ballast = join(folder, 'ballast'), remove = () => execFileSync('umount', ['-l', folder]);
  process.on('exit', remove);
  return { real: true, faults: {}, fill: () => fillUp(ballast), empty: () => fs.rmSync(ballast, { force: true }), remove: () => { process.off('exit', remove); remove(); } };
}
function fillUp(path) {
  const file = fs.openSync(path, 'a'), block = Buffer.alloc(65536, 'x');
  try {
    while (fs.writeSync(file, block) === block.length);
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  } finally {
    fs.closeSync(file);
  }
}

/** Counts the effects of runs named LANE-INDEX as they are written, and forgets a run once it was found right. */
class Tally {
  #at = 0;
  #rest = '';
  #counts = new Map();
  #settled = new Map();  // lane: index of its last run that is over
  problems = [];
  constructor(path) { this.path = path; }
  read() {
    const file = fs.openSync(this.path, 'r'), buffer = Buffer.alloc(1 << 20);
    for (let size; (size = fs.readSync(file, buffer, 0, buffer.length, this.#at)) > 0; this.#at += size) this.#rest += buffer.toString('latin1', 0, size);
    fs.closeSync(file);
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop();
    for (const line of lines) this.#count(line.split(' ')[2].split('.')[0], line);
  }
  #count(run, line) {
    const [lane, index] = run.split('-').map(Number);
    if (index <= (this.#settled.get(lane) ?? -1)) this.problems.push(`an effect of a run that is over: ${line}`);
    else this.#counts.set(run, (this.#counts.get(run) ?? 0) + 1);
  }
  settle(lane, index, expected) {
    this.read();
    const run = `${lane}-${index}`, count = this.#counts.get(run) ?? 0;
    if (count !== expected) this.problems.push(`${run} had ${count} effects, not ${expected}`);
    this.#counts.delete(run);
    this.#settled.set(lane, index);
  }
}

// Two effects of its own and one of a child, two suspensions, a state, and something to write.
const child = { type: 'ChildStart', id: 3, ops: [['once', 'c', 0, 0], ['go', { type: 'ChildDone', id: 4, then: ['stop', 'end'] }]], fix: [] };
const program = { id: 1, fix: [], ops: [['add'], ['once', 'a', 0, 0], ['fat', 8000], ['sleep', 20],
  ['go', { type: 'Chain', id: 2, ops: [['once', 'b', 0, 0], ['write', 'b'], ['sleep', 5], ['go', child]], fix: [] }]] };
const effectsExpected = 3;

class Load {
  runs = 0; longestMs = 0; rssMiB = 0; fills = 0; over = false; problems = [];
  constructor(server, random) { Object.assign(this, { server, random, tally: new Tally(server.ledger) }); }
  async lane(lane) {
    for (let index = 0; !this.over; index++) {
      const began = Date.now(), id = `${lane}-${index}`;
      const { status, text, body } = await this.server.insist('POST', '/workflows/machine/run', { handler_id: id, start_event: program }, { 'idempotency-key': id });
      if (status !== 200 || body.result?.value?.result !== 'end') this.problems.push(`${id} was answered ${status} ${text.slice(0, 300)}`);
      this.tally.settle(lane, index, effectsExpected);
      this.runs++;
      this.longestMs = Math.max(this.longestMs, Date.now() - began);
      if (this.problems.length + this.tally.problems.length > 20) this.over = true;
    }
  }
  async toggle(disk) {
    while (!this.over) {
      await pause(this.random.between(500, 5000));
      disk.fill();
      this.fills++;
      await pause(this.random.between(200, 5000));
      disk.empty();
    }
  }
  async watch() {
    while (!this.over) {
      this.rssMiB = Math.max(this.rssMiB, this.server.rssMiB());
      if (this.server.child.ended) { this.problems.push(`the server ended with ${this.server.child.ended}`); this.over = this.server.abandoned = true; }
      await pause(250);
    }
  }
  toString() {
    return `${this.runs} runs, the disk was full ${this.fills} times, ${this.server.refusals.length} requests told to come again (counted to 1000), ` +
      `longest run ${(this.longestMs / 1000).toFixed(1)} s, memory ${Math.round(this.rssMiB)} MiB at most`;
  }
}

/** Returns what went wrong. `rssMiBMax`: what the server may need, more under a sanitizer. */
export async function fillAndEmpty({ folder, minutes, seed, rssMiBMax = 512 }) {
  const server = new Server(join(folder, 'server')), disk = smallDisk(join(folder, 'disk'), server), load = new Load(server, new Random(seed));
  server.database = join(folder, 'disk', 'runs.db');
  await server.begin(['--retain', `completed=${retention}`, '--idle-timeout', '50ms'], disk.faults);
  console.log(`crash: seed ${seed}, a disk of ${disk.real ? `${diskMiB} MiB` : 'refused writes'} in ${folder}`);
  const lanes = Promise.all(Array.from({ length: laneCount }, (_, lane) => load.lane(lane)));
  const others = [load.toggle(disk), load.watch()];
  for (const end = Date.now() + minutes * 60000, began = Date.now(); Date.now() < end && !load.over;) {
    await pause(Math.min(60000, Math.max(0, end - Date.now())));
    console.log(`${Math.round((Date.now() - began) / 1000)} s: ${load}`);
  }
  load.over = true;
  await Promise.all(others);
  disk.empty();
  if (!(await Promise.race([lanes.then(() => true), pause(patience, false)]))) load.problems.push(`with space again, some runs did not end within ${patience / 1000} s`);
  const problems = [...load.problems, ...load.tally.problems, ...(await atTheEnd(server, load, rssMiBMax))];
  await server.end();
  if (problems.length === 0) disk.remove();
  return problems;
}

async function atTheEnd(server, { rssMiB }, rssMiBMax) {
  const problems = [], left = async () => (await server.get('/handlers')).body.handlers;
  if (server.child.ended) return problems;
  if (!(await eventually(async () => (await left()).length === 0, patience))) problems.push(`left: ${(await left()).slice(0, 3).map(({ handler_id, status, error }) => `${handler_id} ${status} ${error ?? ''}`)}`);
  if (rssMiB > rssMiBMax) problems.push(`memory was ${Math.round(rssMiB)} MiB, more than ${rssMiBMax}`);
  const wrong = server.refusals.find(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) > 0));
  if (wrong) problems.push(`${wrong.method} ${wrong.path} was answered ${wrong.status}, Retry-After ${wrong.retryAfter}: ${wrong.text}`);
  const found = server.check();
  return found ? [...problems, `weir db check: ${found}`] : problems;
}
