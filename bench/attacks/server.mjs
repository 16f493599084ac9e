// A fresh server for one attack, with few files if the attack wants that, and what the kernel knows about it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const DRAIN_S = 1, END_MS = 10000;

export class Server {
  sockets = new Set();
  log = '';
  peak_mb = 0;
  /**
   * `program` is weir-bench-server; others are looked for beside it. `scale`: how much of an attack's counts is done; `patience`: by how much
   * deadlines are longer than for a release build on a machine at rest.
   */
  constructor(program, { name = 'weir-bench-server', store = 'memory', key, args = [], files, file_kb, env = {} }, { scale, patience }) {
    Object.assign(this, { scale, patience, key, folder: mkdtempSync(join(tmpdir(), 'weir-attack-')) });
    this.built = other => join(dirname(program), other);
    this.file = join(this.folder, 'runs.db');
    const all = ['--host', '127.0.0.1', '--port', '0', '--drain-timeout', `${DRAIN_S}s`, '--store', store === 'sqlite' ? `sqlite:${this.file}` : store,
      ...(key ? ['--api-key', key] : []),
      ...(typeof args === 'function' ? args(this.folder) : args)];
    const limit = `${files ? `ulimit -n ${files}; ` : ''}${file_kb ? `trap '' XFSZ; ulimit -S -f ${file_kb}; ` : ''}`;
    this.process = spawn('bash', ['-c', `${limit}exec "$0" "$@"`, name === 'weir-bench-server' ? program : this.built(name), ...all],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    this.ended = new Promise(resolve => this.process.on('close', (code, signal) => {
      this.alive = false;
      resolve(code ?? signal);
    }));
  }
  alive = true;

  /** Resolves when the server says where it listens. */
  started() {
    return new Promise((resolve, reject) => {
      this.process.stderr.on('data', chunk => {
        if (this.log.length < 1 << 20) this.log += chunk;
        const found = /serving on http:\/\/[^\s:]+:(\d+)/.exec(this.log);
        if (found && !this.port) resolve(this.port = Number(found[1]));
      });
      this.ended.then(code => reject(new Error(`the server ended with ${code}: ${this.log}`)));
    });
  }
  /** Time for an attack to do its harm. */
  moment(ms) { return new Promise(resolve => setTimeout(resolve, ms * Math.max(0.2, this.scale))); }
  many(count) { return Math.max(2, Math.round(count * this.scale)); }

  #status(field) {
    try { return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))[1]) / 1024); } catch { return 0; }
  }
  /** From here on the peak is counted. MB in memory now. */
  watchMemory() {
    writeFileSync(`/proc/${this.process.pid}/clear_refs`, '5');
    this.sampling = setInterval(() => { this.peak_mb = Math.max(this.peak_mb, this.#status('VmHWM')); }, 50);
    return this.#status('VmRSS');
  }
  memoryNow() { return this.#status('VmRSS'); }
  memoryPeak() { return this.peak_mb = Math.max(this.peak_mb, this.#status('VmHWM')); }

  dropSockets() { for (const socket of this.sockets) socket.destroy(); }

  /** Milliseconds until SIGTERM has ended it, or Infinity; then it is killed. Resolves to { ms, code }. */
  async terminate() {
    const begin = performance.now();
    this.process.kill('SIGTERM');
    let timer;
    const late = new Promise(resolve => { timer = setTimeout(resolve, END_MS * this.patience, 'late'); });
    const code = await Promise.race([this.ended, late]);
    clearTimeout(timer);
    return code === 'late' ? { ms: Infinity } : { ms: Math.round(performance.now() - begin), code };
  }
  async remove() {
    clearInterval(this.sampling);
    this.dropSockets();
    this.process.kill('SIGKILL');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
