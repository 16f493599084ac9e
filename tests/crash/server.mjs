// A server that can be killed at any time and started again on the same files. Its port changes with every start.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cutPower } from './power.mjs';

export { pause };
const build = process.env.WEIR_BUILD ?? new URL('../../build', import.meta.url).pathname;
export const weir = join(build, 'weir');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.on(signal, () => process.exit(code));

/** What the library of faults.cpp is told; verify_asan_link_order: it comes before the sanitizer's. */
const preload = variables => (Object.keys(variables).length === 0 ? {} : { LD_PRELOAD: join(build, 'weir-crash-faults.so'), ...variables,
  ASAN_OPTIONS: `verify_asan_link_order=0:${process.env.ASAN_OPTIONS ?? ''}` });

/** Until it holds, for so long at most: then false. */
export async function eventually(holds, milliseconds = 30000) {
  for (const end = Date.now() + milliseconds; ;) {
    if (await holds()) return true;
    if (Date.now() > end) return false;
    await pause(10);
  }
}

export class Server {
  process = 0;       // counts the starts
  abandoned = false; // nobody asks any more
  refusals = [];     // answers of 5xx that told to come again: { method, path, status, retryAfter, text }
  #agent = new http.Agent({ keepAlive: true, maxSockets: 400 });

  /** `powerCuts`: a kill takes everything that was not synced with it. `random` decides what of the rest survives. */
  constructor(folder, { powerCuts = false, random } = {}) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    Object.assign(this, { folder, powerCuts, random, database: join(folder, 'runs.db'), ledger: join(folder, 'ledger'), log: join(folder, 'log'),
      counter: join(folder, 'calls'), flag: join(folder, 'failing') });
    fs.writeFileSync(this.ledger, '');
  }

  /** Begins to start; ready() tells when it answers. `faults`: variables of faults.cpp. */
  start(options = [], faults = {}) {
    this.process++;
    fs.appendFileSync(this.log, `--- process ${this.process}: ${options.join(' ')} ${JSON.stringify(faults)}\n`);
    const child = spawn(join(build, 'weir-crash-server'), ['--host', '127.0.0.1', '--port', '0', '--store', `sqlite:${this.database}`, ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CRASH_LEDGER: this.ledger, CRASH_PROCESS: String(this.process), ...preload({ ...this.#power(), ...faults }) } });
    this.child = child;
    this.port = undefined;
    running.add(child);
    child.stderr.setEncoding('utf8').on('data', text => {
      fs.appendFileSync(this.log, text);
      child.said = (child.said ?? '') + text.slice(0, 10000 - Math.min(10000, child.said?.length ?? 0));
      const port = /serving on http:\/\/127\.0\.0\.1:(\d+)/.exec(child.said)?.[1];
      if (port && this.child === child && !child.ended) this.port = Number(port);
    });
    child.gone = new Promise(resolve => child.on('exit', (code, signal) => {
      running.delete(child);
      child.ended = signal ?? `code ${code}`;
      if (this.child === child) this.port = undefined;
      resolve(child.ended);
    }));
  }
  #power() { return this.powerCuts ? { FAULT_UNSYNCED: '1' } : {}; }

  /** False: it ended before it answered. */
  async ready(milliseconds = 120000) {
    const answers = () => this.port && this.ask('GET', '/health').then(({ status }) => status === 200, () => false);
    if (!(await eventually(async () => this.child.ended || (await answers()), milliseconds))) throw new Error(`no server: see ${this.log}`);
    if (!this.child.ended) this.answered = this.child.answered = true;
    if (!this.child.ended) await this.resumeThoseSetAside().catch(() => {});  // it may be killed meanwhile: then the next one does it
    return !this.child.ended;
  }
  /** Runs that were at work at several kills in a row: somebody looks at them and lets them go on. */
  async resumeThoseSetAside() {
    const { body } = await this.ask('GET', '/handlers?status=running');
    for (const { handler_id, quarantined } of body?.handlers ?? [])
      if (quarantined) await this.ask('POST', `/handlers/${encodeURIComponent(handler_id)}/resume`);
  }
  /** Starts; an end before it answers is an error. */
  async begin(options, faults) {
    this.start(options, faults);
    if (!(await this.ready())) throw new Error(`the server ended with ${this.child.ended}: see ${this.log}`);
  }
  /** Ends it and says with what it ended. SIGKILL is a crash, or a power cut. */
  async end(signal = 'SIGKILL') {
    this.child.expected = true;
    this.child.kill(signal);
    const ended = await this.child.gone;
    if (this.powerCuts && signal === 'SIGKILL') cutPower(this.database, this.random);
    return ended;
  }

  /** One request; rejects when the connection breaks or the time is over. */
  ask(method, path, body, headers = {}, milliseconds = 20000) {
    return new Promise((resolve, reject) => {
      if (!this.port) return reject(new Error('there is no server now'));
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const request = http.request({ host: '127.0.0.1', port: this.port, method, path, agent: this.#agent, headers: { ...type, ...headers } }, answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', part => { text += part; }).on('error', reject).on('aborted', () => reject(new Error('aborted')));
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text, body: parsed(text) }));
      });
      request.on('error', reject).setTimeout(milliseconds, () => request.destroy(new Error('no answer')));
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  /** Again until it is answered, and again while the answer is 5xx, as a client with an idempotency key does. `tries`: how often it
   *  was sent. A run that failed is answered with 500, and its row, by /run: that is an answer. */
  async insist(method, path, body, headers) {
    for (let tries = 1; ; tries++) {
      if (this.abandoned) throw new Abandoned();
      const answer = await this.ask(method, path, body, headers).catch(() => null);
      if (answer && (answer.status < 500 || answer.body?.run_id)) return { ...answer, tries };
      if (answer) this.refused(method, path, answer);
      await pause(answer ? 40 : 5);
    }
  }
  refused(method, path, { status, headers, text }) {
    if (this.refusals.length < 1000) this.refusals.push({ method, path, status, retryAfter: headers['retry-after'], text: text.slice(0, 300) });
  }
  get(path) { return this.insist('GET', path); }

  /** What `weir db check` has to say, empty when it finds nothing. A file that no server got ready is as good as none. */
  check() {
    if (!this.answered) return '';
    const { status, stdout, stderr } = spawnSync(weir, ['db', 'check', this.database], { encoding: 'utf8', timeout: 180000,
      env: { ...process.env, ...preload(this.#power()) } });
    return status === 0 ? '' : `${status} ${stdout}${stderr}`.trim();
  }
  /** Calls of the disk so far in a process with FAULT_COUNTER. */
  calls() { return fs.existsSync(this.counter) ? Number(fs.readFileSync(this.counter).readBigInt64LE(0)) : 0; }
  failing(on) { if (on) fs.writeFileSync(this.flag, ''); else fs.rmSync(this.flag, { force: true }); }
  rssMiB() { return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024; }
}

/** A request of somebody who waits in vain. */
export class Abandoned extends Error {}

function parsed(text) {
  try { return JSON.parse(text); } catch { return text; }
}
