// The ways in which an execution is disturbed. A mode is written as `kill`, `power`, `toggle`, `full`, or as a fault at one call of the
// disk: die[:CALLS], torn, eio[:CALLS[:COUNT]], enospc[:CALLS[:COUNT]] with CALLS write, sync or both and COUNT calls in a row, 0 for
// all from there on.
import { eventually, pause } from './server.mjs';

const kinds = ['kill', 'power', 'toggle', 'full', 'die', 'torn', 'eio', 'enospc'];

export function mode(text) {
  const [kind, calls = kind === 'torn' ? 'write' : 'both', count = '1'] = text.split(':');
  if (!kinds.includes(kind) || !['write', 'sync', 'both'].includes(calls) || !/^\d+$/.test(count))
    throw new Error(`--mode must be kill, power, toggle, full, die[:CALLS], torn, eio[:CALLS[:COUNT]] or enospc[:CALLS[:COUNT]], got '${text}'`);
  const atPoint = ['die', 'torn', 'eio', 'enospc'].includes(kind);
  return { text, kind, calls, count: Number(count), atPoint, fails: ['eio', 'enospc', 'toggle', 'full'].includes(kind) };
}

/** Options of a server; every start draws its own. */
export function options(random, { kind }) {
  return ['--durability', random.pick(['strict', 'pipelined']), '--sync', kind === 'power' ? 'full' : random.pick(['full', 'normal']),
    '--idle-timeout', random.pick(['50ms', '50ms', '1s', 'never']), '--actor-threads', random.pick(['1', '1', '4'])];
}

/** What faults.cpp is told for the first process. */
export function faults({ kind, calls, count, fails, atPoint }, point, random, server) {
  if (atPoint) return { FAULT_KIND: kind, FAULT_CALLS: calls, FAULT_FROM: String(point), FAULT_COUNT: String(count), FAULT_COUNTER: server.counter };
  if (kind === 'full') return { FAULT_KIND: 'enospc', FAULT_CALLS: 'write', FAULT_WHILE: server.flag };
  if (fails) return { FAULT_KIND: random.pick(['eio', 'enospc']), FAULT_WHILE: server.flag };
  return random.chance(0.3) ? { FAULT_SYNC_MS: String(random.between(5, 30)) } : {};  // commits that stay under way for longer
}

/** Disturbs as the mode says, at most until `over()`. `restart()` starts the server after an end, with `options()`. */
export async function disturb(mode, round) {
  if (mode.kind === 'kill' || mode.kind === 'power') return kills(round);
  if (mode.kind === 'toggle') return toggles(round);
  if (mode.kind === 'full') return fills(round);
  return fault(mode, round);
}

async function kills({ server, random, restart, options: drawn, check }) {
  for (let left = random.between(1, 6); left > 0; left--) {
    await pause(random.between(2, 220));
    await server.end();
    if (random.chance(0.4)) check('after a kill');
    if (random.chance(0.15)) {  // and again, while it recovers
      server.start(drawn());
      await pause(random.between(0, 40));
      await server.end();
    }
    await restart();
  }
}

/** The disk fails for 1 to 12 ms now and then. */
async function toggles({ server, random, over }) {
  for (const end = Date.now() + 4000; Date.now() < end && !over();) {
    server.failing(true);
    await pause(random.between(1, 12));
    server.failing(false);
    await pause(random.between(5, 60));
  }
}

/** The disk is full for one to three seconds, while everybody is at work. */
async function fills({ server, random }) {
  await pause(random.between(50, 250));
  server.failing(true);
  await pause(random.between(1000, 3000));
  server.failing(false);
}

/** The chosen call: the process dies of it, or goes on; when all calls fail from there on, it is ended and gets a new disk. */
async function fault({ kind, count }, { server, point, restart, check, over }) {
  if (kind === 'die' || kind === 'torn') {
    await eventually(() => server.child.ended || over(), 120000);
    if (!server.child.ended) return;
    check('after its death');
    await restart();
  } else if (count === 0) {
    await eventually(() => server.calls() >= point || over(), 120000);
    if (over()) return;
    await pause(300);
    await server.end();
    check('after its disk had failed');
    await restart();
  }
}
