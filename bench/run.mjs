// ./dev bench: ratios measured in one run, alternating between Weir and what it is compared with.
//   noop     /run noop at 64 connections against a bare RESTinio server that parses and answers the same JSON
//   stream   re-reading a finished stream1000 against a bare RESTinio stream of the same bytes
//   fan      fan100 and fanlist100 over /run, in step executions per second
//   hold     memory of a run that waits for a person
//   startup  time from start to the first healthy answer
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = name => new URL(name, import.meta.url).pathname;
const build = here('../build/');
const only = process.argv[2];
const rounds = Number(process.env.ROUNDS ?? 5), seconds = Number(process.env.SECONDS ?? 2);
const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
const children = [];
const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

const freePort = () => new Promise(resolve => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
});

async function started(command, args, port) {
  const child = spawn(command, args, { stdio: 'ignore' });
  children.push(child);
  for (let i = 0; i < 5000; i++) {
    const up = await new Promise(resolve => {
      const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
    });
    if (up) return child;
    await pause(1);
  }
  throw new Error(`${command} did not start`);
}

/** One wrk run; requests per second. */
function load(url, connections, { body, script = 'load/post.lua' } = {}) {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '60s', '-s', here(script), url, '--', body ?? 'GET'];
  const answer = JSON.parse(execFileSync('wrk', args, { encoding: 'utf8' }).trim().split('\n').at(-1));
  const errors = Object.values(answer.errors).reduce((sum, count) => sum + count, 0);
  if (errors) throw new Error(`${errors} errors from ${url}: ${JSON.stringify(answer.errors)}`);
  return answer;
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
const rssKib = pid => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** Alternates between two ways of doing the same; prints medians, CPU per request and their ratio. */
function compare(name, sides) {
  const results = sides.map(() => ({ rps: [], cpu: [] }));
  for (let round = 0; round < rounds; round++)
    sides.forEach(({ child, run }, i) => {
      const before = cpuSeconds(child.pid);
      const { rps, requests } = run();
      results[i].rps.push(rps);
      results[i].cpu.push((cpuSeconds(child.pid) - before) / requests * 1e6);
    });
  const [ours, theirs] = results.map(({ rps, cpu }) => ({ rps: median(rps), cpu: median(cpu) }));
  console.log(JSON.stringify({ bench: name, weir_per_s: Math.round(ours.rps), weir_cpu_us: Math.round(ours.cpu), bare_per_s: Math.round(theirs.rps),
    bare_cpu_us: Math.round(theirs.cpu), ratio: Number((ours.rps / theirs.rps).toFixed(2)) }));
}

const wanted = name => !only || only === name;
const port = await freePort(), barePort = await freePort();
const server = await started(build + 'weir-bench-server', ['--port', String(port)], port);
const base = `http://127.0.0.1:${port}`;
const post = (path, body = {}) => fetch(base + path, { method: 'POST', headers: { connection: 'close' }, body: JSON.stringify(body) }).then(answer => answer.json());

try {
  const { handler_id } = await post('/workflows/stream1000/run-nowait');
  while ((await fetch(`${base}/handlers/${handler_id}`)).status === 202) await pause(5);
  const recording = join(folder, 'stream');
  writeFileSync(recording, Buffer.from(await (await fetch(`${base}/events/${handler_id}?after_sequence=-1`)).arrayBuffer()));
  const bare = await started(build + 'weir-bench-bare', [String(barePort), recording], barePort);
  const bareBase = `http://127.0.0.1:${barePort}`;
  const body = '{"start_event":{}}';

  if (wanted('stream'))
    for (const connections of [1, 16])
      compare(`stream1000 replay, ${connections} connections`, [
        { child: server, run: () => load(`${base}/events/${handler_id}?after_sequence=-1`, connections) },
        { child: bare, run: () => load(`${bareBase}/stream`, connections) }]);
  if (wanted('noop'))
    compare('noop /run, 64 connections', [
      { child: server, run: () => load(`${base}/workflows/noop/run`, 64, { body }) },
      { child: bare, run: () => load(`${bareBase}/run`, 64, { body }) }]);
  if (wanted('fan'))
    for (const [name, steps, python] of [['fan100', 201, 330], ['fanlist100', 102, 330]])
      for (const connections of [1, 16]) {
        const rate = median(Array.from({ length: rounds }, () => load(`${base}/workflows/${name}/run`, connections, { body }).rps)) * steps;
        console.log(JSON.stringify({ bench: `${name} /run, ${connections} connections`, steps_per_s: Math.round(rate), times_python: Math.round(rate / python) }));
      }
  if (wanted('hold')) {
    const count = 5000;
    for (let i = 0; i < 500; i++) await post('/workflows/noop/run', { start_event: {} });
    const before = rssKib(server.pid);
    for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, () => post('/workflows/hitl/run-nowait', { start_event: {} })));
    await pause(500);
    console.log(JSON.stringify({ bench: 'waiting hitl run', bytes_each: Math.round((rssKib(server.pid) - before) * 1024 / count) }));
  }
  if (wanted('startup')) {
    const times = [];
    for (let i = 0; i < 10; i++) {
      const at = await freePort(), begin = performance.now();
      const child = await started(build + 'weir-bench-server', ['--port', String(at)], at);
      const healthy = await fetch(`http://127.0.0.1:${at}/health`);
      if (!healthy.ok) throw new Error('not healthy');
      times.push(performance.now() - begin);
      child.kill();
    }
    console.log(JSON.stringify({ bench: 'start to healthy', ms: Number(median(times).toFixed(1)) }));
  }
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true });
}
