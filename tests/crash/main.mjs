// Fresh seeds for a while, or one again: ./dev crash --help
import fs from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { fillAndEmpty } from './disk_full.mjs';
import { mode } from './modes.mjs';
import { Random } from './random.mjs';
import { disturbed, undisturbed } from './rounds.mjs';

const help = `./dev crash [options]: random programs on a server that is killed, or whose disk fails, against the same undisturbed
  --minutes N     how long (default 10); with --seed alone: that seed once
  --seed S        the first seed (default: from the clock, printed)
  --mode M        kill, power, toggle, full, die[:CALLS], torn, eio[:CALLS[:COUNT]] or enospc[:CALLS[:COUNT]] (default: all in turn)
                  CALLS write, sync or both; COUNT in a row, 0: all from there on
  --point N       the call of the disk at which die, torn, eio and enospc strike (default: drawn)
  --points K      every K-th point of the seed, one after the other
  --programs N    in a round (default 12)
  --folder DIR    where rounds work; those with a problem stay there
  --disk-full     instead: the disk fills and empties under load for --minutes`;

const defaultModes = ['kill', 'kill', 'power', 'toggle', 'full', 'die:both', 'torn', 'eio:both:1', 'eio:both:30', 'enospc:write:30', 'eio:both:0', 'enospc:write:0'];

class Summary {
  rounds = 0; programs = 0; kills = 0; refusals = 0; problems = 0;
  add(round, programs) { this.rounds++; this.programs += programs; this.kills += round.processes ?? 0; this.refusals += round.refusals ?? 0; this.problems += round.problems.length; }
  toString() { return `${this.rounds} rounds, ${this.programs} programs, ${this.kills} processes, ${this.refusals} requests told to come again, ${this.problems} problems`; }
}

/** One disturbed round on a baseline; its folder stays when it had problems. */
export async function round(calm, folder, { mode: text, point, programs }) {
  const chosen = mode(text), seed = calm.seed * 1000 + (point ?? 0);
  const here = join(folder, `${calm.seed}-${text.replaceAll(':', '-')}${chosen.atPoint ? `-${point}` : ''}`);
  const outcome = await disturbed(calm, here, chosen, point, seed);
  outcome.repeat = `./dev crash --seed ${calm.seed} --programs ${programs} --mode ${text}${chosen.atPoint ? ` --point ${point}` : ''}`;
  if (outcome.problems.length === 0) fs.rmSync(here, { recursive: true, force: true });
  return { ...outcome, folder: here };
}

/** What happened, how to repeat it, and where it can be looked at. */
export function report({ problems, repeat, folder }) {
  fs.writeFileSync(join(folder, 'problems'), `${repeat}\n${problems.join('\n')}\n`);
  const shown = problems.slice(0, 5).map(problem => `    ${problem.slice(0, 900)}`).join('\n');
  return `${repeat}   # ${problems.length} problems, all in ${folder}/problems\n${shown}`;
}

async function seedOnce(seed, folder, given, summary, end) {
  const programs = Number(given.programs), calm = await undisturbed(seed, join(folder, String(seed)), programs);
  const random = new Random(seed + 1), modes = given.mode ? [given.mode] : Array.from({ length: 4 }, () => random.pick(defaultModes));
  if (calm.problems.length) {
    const repeat = `./dev crash --seed ${seed} --programs ${programs} --mode kill`;
    console.log(report({ problems: calm.problems, repeat, folder: join(folder, String(seed)) }));
  }
  summary.problems += calm.problems.length;
  for (const text of modes)
    for (const point of points(mode(text), given, random, calm)) {
      if (Date.now() > end) return;
      const outcome = await round(calm, folder, { mode: text, point, programs });
      summary.add(outcome, programs);
      if (outcome.problems.length) console.log(report(outcome));
      if (!outcome.reached && given.points) break;
    }
  if (!calm.problems.length) fs.rmSync(join(folder, String(seed)), { recursive: true, force: true });
}
function points({ atPoint }, given, random, calm) {
  if (!atPoint) return [0];
  if (given.points) return Array.from({ length: Math.ceil(calm.calls * 2 / Number(given.points)) }, (_, i) => 1 + i * Number(given.points));
  return [given.point ? Number(given.point) : random.between(1, Math.ceil(calm.calls * 1.2))];
}

function told(problems, folder) {
  console.log(problems.length ? `crash: ${problems.length} problems, files in ${folder}\n  ${problems.slice(0, 20).join('\n  ')}` : 'crash: everything was done once');
  if (problems.length === 0) fs.rmSync(folder, { recursive: true, force: true });
  process.exitCode = problems.length ? 1 : 0;
}

async function main() {
  const { values: given } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, mode: { type: 'string' }, point: { type: 'string' },
    points: { type: 'string' }, programs: { type: 'string', default: '12' }, folder: { type: 'string' }, 'disk-full': { type: 'boolean' }, help: { type: 'boolean' } } });
  if (given.help) return console.log(help);
  const folder = given.folder ?? fs.mkdtempSync(join(tmpdir(), 'weir-crash-')), first = Number(given.seed ?? Math.floor(Date.now() / 1000) % 1000000);
  const end = Date.now() + 60000 * Number(given.minutes ?? (given.seed ? 1e6 : 10)), summary = new Summary();
  if (given['disk-full']) return told(await fillAndEmpty({ folder, minutes: Number(given.minutes ?? 60), seed: first }), folder);
  console.log(`crash: seed ${first}, in ${folder}`);
  for (let seed = first; Date.now() < end && (seed === first || given.minutes || !given.seed); seed++) {
    await seedOnce(seed, folder, given, summary, end);
    if ((seed - first) % 5 === 4) console.log(`${new Date().toISOString()} seed ${seed}: ${summary}`);
  }
  console.log(`crash: ${summary}`);
  if (summary.problems === 0) fs.rmSync(folder, { recursive: true, force: true });
  process.exitCode = summary.problems ? 1 : 0;
}
if (process.argv[1] === new URL(import.meta.url).pathname) {
  await main().catch(error => { console.error(`crash: ${error.message}`); process.exitCode = 2; });
  process.exit();
}
