// Starts a server under test on a free port and ends it when the test file is done.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

const binary = process.env.WEIR_BENCH_SERVER;
if (!binary) throw new Error('set WEIR_BENCH_SERVER to the path of weir-bench-server');

/** Another of the programs that were built. */
export const built = name => join(dirname(binary), name);

export const startServer = (args = [], { port = 0, ...options } = {}) => startProgram(binary, ['--port', String(port), ...args], options);

/** Resolves to { base, process, ended, stop, log() } once the program says where it listens. One that the test kills does not survive. */
export async function startProgram(program, args, { survives = true, env = {} } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  let log = '';
  const base = await new Promise((resolve, reject) => {
    child.stderr.on('data', chunk => {
      log += chunk;
      const found = /serving on (http:\/\/\S+)/.exec(log);
      if (found) resolve(found[1]);
    });
    child.on('exit', code => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
  let exited;
  const ended = new Promise(resolve => { exited = resolve; });
  child.removeAllListeners('exit');
  child.on('close', (code, signal) => exited({ code, signal, log }));
  const stop = () => { child.kill('SIGTERM'); return ended; };
  after(async () => {
    const { code, signal } = await stop();
    if (survives && code !== 0) throw new Error(`the server ended with ${code ?? signal}: ${log}`);
  });
  return { base, process: child, ended, stop, log: () => log };
}

export async function json(response) { return { status: response.status, body: await response.json() }; }

export function post(base, path, body, headers = {}) {
  return fetch(base + path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

/** Asks again until `accept` holds: for states that the server reaches by itself. */
export async function eventually(ask, accept, ms = 15000) {
  for (const end = Date.now() + ms; ;) {
    const got = await ask();
    if (accept(got)) return got;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(got)} after ${ms} ms`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
