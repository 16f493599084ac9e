// ./dev bench attacks: what hostile clients, and a store that fails, cost everybody else. Each attack has a server of its own on
// 127.0.0.1, and is bounded in count and time.
//   stall     longest wait for GET /health beside it, on a connection that stays; `connect`: on a new one; `noise`: for a server that does
//             nothing, which is what the machine adds
//   peak      most memory; `+` is how much more than before the attack
//   healthy   from the attack's end until a new connection is answered quickly; `work`: then a run and a page of the list together
//   end       from SIGTERM to the end of the process; the drain timeout is 1 s
// node bench/attacks.mjs [--only TEXT] [--server PATH] [--scale 0.1] [--json] [--list]
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import attacks from './attacks/list.mjs';
import { run } from './attacks/run.mjs';

const STALL_MS = 50, GROWS_MB = 48, HEALTHY_MS = 1000, END_MS = 2500;

const { values } = parseArgs({ options: { only: { type: 'string' }, server: { type: 'string' }, scale: { type: 'string', default: '1' },
  json: { type: 'boolean' }, list: { type: 'boolean' } } });
const program = values.server ?? new URL('../build/weir-bench-server', import.meta.url).pathname;
const nothing = { name: 'nothing at all', attack: () => new Promise(resolve => setTimeout(resolve, 2000, { seen: '', wrong: [] })) };
const wanted = [nothing, ...attacks].filter(({ name }) => !values.only || name.includes(values.only));

/** What a figure says about it. */
function slow(attack, result) {
  const out = [];
  if (result.stall_ms > (attack.waits_ms ?? STALL_MS) + result.noise_ms) out.push(`others wait ${result.stall_ms} ms`);
  if (result.healthy_ms > HEALTHY_MS && result.healthy_ms !== Infinity) out.push(`healthy after ${result.healthy_ms} ms`);
  if (result.end_ms > END_MS && result.end_ms !== Infinity) out.push(`ended after ${result.end_ms} ms`);
  if (result.peak_mb - result.before_mb > (attack.grows_mb ?? GROWS_MB)) out.push(`${result.peak_mb - result.before_mb} MB more`);
  if (result.after_mb - result.before_mb > (attack.returns_mb ?? Infinity)) out.push(`${result.after_mb - result.before_mb} MB not given back`);
  return out;
}

const columns = ['stall', 'connect', 'noise', 'peak', '+', 'healthy', 'work', 'end'];
const line = (name, cells, words) => console.log(`${name.padEnd(66)}${cells.map(cell => String(cell ?? '').padStart(9)).join('')}  ${words}`);
const figure = value => (value === Infinity ? 'never' : Number.isNaN(value) ? '-' : value ?? '-');

if (values.list) for (const { name } of wanted) console.log(name);
else if (!existsSync(program)) throw new Error(`there is no ${program}: build it, or give --server`);
else {
  if (!values.json) line('attack', columns, '(ms, MB)');
  let bad = 0;
  for (const attack of wanted) {
    const { log, ...result } = await run(attack, program, { scale: Number(values.scale) });
    result.slow = slow(attack, result);
    bad += result.wrong.length > 0 || result.slow.length > 0 ? 1 : 0;
    if (values.json) console.log(JSON.stringify(result, (_, value) => figure(value)));
    else line(result.name, [result.stall_ms, result.connect_ms, result.noise_ms, result.peak_mb, result.peak_mb - result.before_mb, result.healthy_ms, result.work_ms, result.end_ms].map(figure),
      [...result.wrong, ...result.slow].join('; ').slice(0, 400) || `right ${result.seen}`);
  }
  if (!values.json) console.log(`${wanted.length - bad} of ${wanted.length} right`);
}
