// One attack from the start of a server to its end; what it cost everybody else.
import { probe } from './probe.mjs';
import { ask, pause } from './peer.mjs';
import { Server } from './server.mjs';

const HEALTHY_MS = 20000, ATTACK_MS = 60000;

/** Milliseconds until a new connection is answered quickly, or Infinity. */
async function healthyAgain(server) {
  const begin = performance.now();
  while (server.alive && performance.now() - begin < HEALTHY_MS * server.patience) {
    const asked = performance.now();
    const { status } = await ask(server, 'GET', '/health', { ms: 2000 });
    if (status === 200 && performance.now() - asked < 100 * server.patience) return Math.round(performance.now() - begin);
    await pause(10);
  }
  return Infinity;
}

/** Does ordinary work go on? A run, and a page of the list, which a pool thread answers. */
async function worksAgain(server) {
  const begin = performance.now();
  const start = () => ask(server, 'POST', `/workflows/${server.ordinary}/run`, { body: JSON.stringify({ start_event: server.start }), ms: 5000 });
  let run = await start();
  // A store that was away is asked again after a pause of the server's.
  for (const until = begin + 3000 * server.patience; run.status === 503 && performance.now() < until; run = await start()) await pause(50);
  const list = await ask(server, 'GET', '/handlers?limit=5', { ms: 5000 });
  return { ok: run.status === 200 && list.status === 200, ms: Math.round(performance.now() - begin), statuses: `/run ${run.status}, /handlers ${list.status}` };
}

const late = ms => new Promise(resolve => setTimeout(resolve, ms, { seen: '', wrong: [`not answered within ${ms / 1000} s`] }).unref());

/** Resolves to figures, and `wrong`: what is not as it should be; times and memory are judged elsewhere. */
export async function run(attack, program, { scale = 1, patience = 1 } = {}) {
  const server = new Server(program, attack.start ?? {}, { scale, patience });
  try {
    await server.started();
    server.ordinary = { 'weir-examples': 'greeting', 'weir-unruly-server': 'bystander' }[attack.start?.name] ?? 'noop';
    server.start = attack.start?.name === 'weir-examples' ? { name: 'x' } : {};
    const seed = await attack.seed?.(server);
    const before_mb = server.watchMemory();
    const stopProbe = await probe(server.port);
    await pause(100);
    const { seen, wrong, end_ms } = await Promise.race([attack.attack(server, seed), late(ATTACK_MS * patience)]);
    server.dropSockets();
    if (end_ms !== undefined) {
      await stopProbe();
      return { name: attack.name, before_mb, peak_mb: server.memoryPeak(), alive: true, end_ms, seen, wrong, log: server.log };
    }
    const healthy_ms = await healthyAgain(server);
    const waits = await stopProbe();
    const work = server.alive ? await worksAgain(server) : { ok: false, ms: Infinity, statuses: 'none' };
    const peak_mb = server.memoryPeak(), after_mb = server.memoryNow(), alive = server.alive;
    const code = alive ? null : await server.ended;
    const end = alive ? await server.terminate() : { ms: Infinity, code };
    const faults = [...wrong];
    if (!alive) faults.unshift(`the process died (${code})`);
    else if (healthy_ms === Infinity) faults.push('deaf');
    if (alive && !work.ok) faults.push(`ordinary work: ${work.statuses}`);
    if (alive && end.code !== 0) faults.push(`SIGTERM: ${end.ms === Infinity ? 'does not end it' : end.code}`);
    return { name: attack.name, ...waits, before_mb, peak_mb, after_mb, healthy_ms, work_ms: work.ms, alive, end_ms: end.ms, seen, wrong: faults,
      log: server.log };
  } catch (error) {
    return { name: attack.name, alive: server.alive, seen: '', wrong: [error.message.split('\n')[0]], log: server.log };
  } finally {
    await server.remove();
  }
}
