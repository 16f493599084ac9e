// ./dev bench: ratios measured in one run, alternating between Weir and what it is compared with.
//   noop     /run noop at 64 connections against a bare RESTinio server that parses and answers the same JSON
//   stream   re-reading a finished stream1000 against a bare RESTinio stream of the same bytes
//   fan      fan100 and fanlist100 over /run, in step executions per second
//   durable  runs on a file, every commit on the disk, against the durable engines as recorded
//   commits  the same against a bare program that writes the same rows in the same groups
//   sleep    memory, waking and recovery of runs that wait on a file, and recovery of those that work
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

async function answers(port) {
  for (let i = 0; i < 5000; i++) {
    const up = await new Promise(resolve => {
      const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
    });
    if (up) return;
    await pause(1);
  }
  throw new Error(`nobody listens on port ${port}`);
}

async function started(command, args, port) {
  const child = spawn(command, args, { stdio: 'ignore' });
  children.push(child);
  await answers(port);
  return child;
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

/** Durable noop runs over HTTP, against writing the same rows in the same groups and doing nothing else. */
async function compareCommits() {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const at = await freePort(), place = mkdtempSync(join(folder, 'commits-'));
    const child = spawn(build + 'weir-bench-commits', [String(at), place], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    let out = '';
    child.stdout.on('data', chunk => { out += chunk; });
    const closed = new Promise(resolve => child.on('close', resolve));
    await answers(at);
    const { rps } = load(`http://127.0.0.1:${at}/workflows/noop/run`, 64, { body: '{"start_event":{}}' });
    child.kill();
    await closed;
    const { runs, groups, bare_seconds } = JSON.parse(out);
    results.push({ weir: rps, bare: runs / bare_seconds, together: runs * 2 / groups, ratio: rps * bare_seconds / runs });
    rmSync(place, { recursive: true });
  }
  const mid = key => median(results.map(result => result[key]));
  console.log(JSON.stringify({ bench: 'durable noop /run, 64 connections, against bare commits', weir_per_s: Math.round(mid('weir')),
    bare_per_s: Math.round(mid('bare')), commits_together: Math.round(mid('together')), ratio: Number(mid('ratio').toFixed(2)) }));
}

async function healthyAfter(args) {
  const at = await freePort(), begin = performance.now();
  const child = await started(build + 'weir-bench-server', ['--port', String(at), ...args], at);
  await (await fetch(`http://127.0.0.1:${at}/health`)).text();
  return { at, child, ms: performance.now() - begin };
}

/** Runs that wait for a person, on a file: what they cost in memory, and how fast they are back. */
async function sleepers() {
  const args = ['--store', `sqlite:${join(folder, 'sleepers.db')}`, '--idle-timeout', '200ms'];
  const { at, child } = await healthyAfter(args);
  const base = `http://127.0.0.1:${at}`;
  const memory = {};
  let count = 0;
  for (const goal of [10000, 100000]) {
    while (count < goal) count += load(`${base}/workflows/hitl_forever/run-nowait`, 32, { body: '{"start_event":{}}' }).requests;
    await pause(1500);
    memory[count] = Math.round(rssKib(child.pid) / 1024);
  }
  console.log(JSON.stringify({ bench: 'memory with that many sleeping runs', rss_mib: memory }));
  child.kill('SIGKILL');
  const { at: again, child: next, ms } = await healthyAfter(args);
  console.log(JSON.stringify({ bench: `start to healthy over ${count} sleeping runs, after kill -9`, ms: Number(ms.toFixed(1)) }));
  const { handlers } = await (await fetch(`http://127.0.0.1:${again}/handlers`)).json();
  const times = [];
  for (let i = 0; i < 300; i++) {
    const { handler_id } = handlers[Math.floor(i / 300 * handlers.length)];
    const begin = performance.now();
    const answer = await fetch(`http://127.0.0.1:${again}/events/${handler_id}`, { method: 'POST', body: '{"event":{"type":"Answer","value":{"response":"yes"}}}' });
    if (!answer.ok) throw new Error(await answer.text());
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ bench: 'waking a run with an event, until it is on the disk', median_ms: Number(median(times).toFixed(2)),
    p99_ms: Number(times[297].toFixed(2)) }));
  next.kill();
}

/** Ten-step runs in progress, kill -9, start again: when are all done? */
async function recoverWorking() {
  let file, unfinished = 0;
  for (let attempt = 0; unfinished < 100 && attempt < 20; attempt++) {
    file = join(folder, `working-${attempt}.db`);
    const { at, child } = await healthyAfter(['--store', `sqlite:${file}`]);
    const path = `http://127.0.0.1:${at}/workflows/chain10/run-nowait`;
    const starts = Array.from({ length: 200 }, () => fetch(path, { method: 'POST', body: '{"start_event":{}}' }).then(() => true, () => false));
    await Promise.all(starts.slice(0, 100));
    child.kill('SIGKILL');
    await Promise.all(starts);
    unfinished = JSON.parse(execFileSync(build + 'weir', ['db', 'stats', '--json', file], { encoding: 'utf8' })).handlers_running;
  }
  const begin = performance.now();
  const { at: again, child: next } = await healthyAfter(['--store', `sqlite:${file}`]);
  const running = async () => (await (await fetch(`http://127.0.0.1:${again}/handlers?status=running`)).json()).handlers.length;
  while (await running() > 0) await pause(1);
  console.log(JSON.stringify({ bench: 'kill -9 among ten-step runs: restart until all are done', unfinished,
    ms: Number((performance.now() - begin).toFixed(1)) }));
  next.kill();
}

/** Microseconds per member over the number of members, logarithmic, as SVG. */
function plot(lines) {
  const left = 60, top = 20, width = 520, height = 300;
  const all = [...lines.values()].flatMap(costs => [...costs.values()]), highest = Math.max(...all) * 1.2;
  const x = members => left + (Math.log10(members) - 2) / 3 * width, y = cost => top + height - cost / highest * height;
  const text = (at, down, words, anchor = 'middle') => `<text x="${at}" y="${down}" text-anchor="${anchor}" font-family="sans-serif" font-size="12">${words}</text>`;
  const parts = [`<rect width="100%" height="100%" fill="white"/><path d="M${left} ${top}V${top + height}H${left + width}" fill="none" stroke="black"/>`];
  for (const members of [100, 1000, 10000, 100000]) parts.push(text(x(members), top + height + 18, members.toLocaleString('en')));
  for (const share of [0, 0.25, 0.5, 0.75, 1]) parts.push(text(left - 6, y(highest * share) + 4, (highest * share).toFixed(1), 'end'));
  parts.push(text(left + width / 2, top + height + 40, 'members of one fan-out'), text(left, 14, 'µs per member'));
  [...lines].forEach(([workflow, costs], i) => {
    const color = ['#1f6feb', '#d1242f'][i];
    parts.push(`<polyline fill="none" stroke="${color}" stroke-width="2" points="${[...costs].map(([members, cost]) => `${x(members)},${y(cost)}`).join(' ')}"/>`);
    for (const [members, cost] of costs) parts.push(`<circle cx="${x(members)}" cy="${y(cost)}" r="3" fill="${color}"/>`);
    parts.push(`<text x="${left + width - 90}" y="${top + 16 + 16 * i}" fill="${color}" font-family="sans-serif" font-size="12">${workflow}</text>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 40}" height="${top + height + 56}">${parts.join('')}</svg>\n`;
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
  if (wanted('members')) {
    const points = execFileSync(build + 'weir-bench-members', { encoding: 'utf8' }).trim().split('\n').map(line => JSON.parse(line));
    const lines = new Map();
    for (const { workflow, members, us_per_member } of points) lines.set(workflow, (lines.get(workflow) ?? new Map()).set(members, us_per_member));
    for (const [workflow, costs] of lines)
      console.log(JSON.stringify({ bench: `cost of a fan-out member, ${workflow}`, us_by_members: Object.fromEntries(costs),
        growth: Number((costs.get(100000) / costs.get(100)).toFixed(2)) }));
    writeFileSync(build + 'fan-cost.svg', plot(lines));
    console.log(`plotted in ${build}fan-cost.svg`);
  }
  if (wanted('durable')) {
    const at = await freePort();
    const durable = await started(build + 'weir-bench-server', ['--port', String(at), '--store', `sqlite:${join(folder, 'durable.db')}`], at);
    // What the durable engines reached on the same work, at best (runs/s).
    for (const [name, connections, restate, dbos] of [['noop', 64, 815, 692], ['chain10', 16, 80, 75]]) {
      const rate = median(Array.from({ length: rounds }, () => load(`http://127.0.0.1:${at}/workflows/${name}/run`, connections, { body }).rps));
      console.log(JSON.stringify({ bench: `durable ${name} /run, ${connections} connections`, runs_per_s: Math.round(rate),
        times_restate: Number((rate / restate).toFixed(1)), times_dbos: Number((rate / dbos).toFixed(1)) }));
    }
    durable.kill();
  }
  if (wanted('commits')) await compareCommits();
  if (wanted('sleep')) {
    await sleepers();
    await recoverWorking();
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
