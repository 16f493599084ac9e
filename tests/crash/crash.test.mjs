// Random programs with fixed seeds, each disturbed in one way.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fillAndEmpty } from './disk_full.mjs';
import { mode } from './modes.mjs';
import { report, round } from './main.mjs';
import { Random } from './random.mjs';
import { undisturbed } from './rounds.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weir-crash-')), programs = 12;
const baselines = new Map();
let keep = false;
after(() => { if (!keep) rmSync(folder, { recursive: true, force: true }); });

function expectNone(outcome) {
  if (outcome.problems.length === 0) return;
  keep = true;
  throw new Error(report(outcome));
}

/** Modes share what they are compared with. */
async function baseline(seed) {
  if (!baselines.has(seed)) baselines.set(seed, await undisturbed(seed, join(folder, String(seed)), programs));
  return baselines.get(seed);
}
// With seeds that have found something: forks that forgot what they were (kill 1 to 3), effects done again by whoever looked (full 5).
const modes = {
  'is killed at random times': ['kill', 1, 2, 3, 4], 'loses its power': ['power', 1, 2, 3], 'has a disk that fails for milliseconds now and then': ['toggle', 1, 3],
  'has a full disk for seconds': ['full', 2, 3, 5], 'dies at a write or sync': ['die', 1, 2, 3], 'dies in the middle of a write': ['torn', 1, 2],
  'has one write or sync that fails': ['eio', 1, 2, 3], 'has thirty writes or syncs that fail': ['eio:both:30', 1, 2], 'has no space for thirty writes': ['enospc:write:30', 1, 2],
  'has a disk that fails from some moment on': ['eio:both:0', 1, 2], 'has a disk that is full from some moment on': ['enospc:write:0', 1],
};

for (const [what, [text, ...seeds]] of Object.entries(modes))
  test(`random programs go the same way on a server that ${what}`, { timeout: 1200000 }, async () => {
    for (const seed of seeds) {
      const calm = await baseline(seed), random = new Random(seed + text.length);
      const outcome = await round(calm, folder, { mode: text, programs, point: mode(text).atPoint ? random.between(1, calm.calls) : 0 });
      expectNone(outcome);
    }
  });

test('everything is done once while a disk fills and empties', { timeout: 300000 }, async () => {
  const here = join(folder, 'disk-full');
  mkdirSync(here);
  expectNone({ problems: await fillAndEmpty({ folder: here, minutes: 1 / 3, seed: 1, rssMiBMax: 2048 }), repeat: './dev crash --disk-full --minutes 1 --seed 1', folder: here });
});

test('random programs go as the rules say on a server that is left alone', () => {
  for (const [seed, { problems }] of baselines) expectNone({ problems, repeat: `./dev crash --seed ${seed} --programs ${programs} --mode kill`, folder: join(folder, String(seed)) });
});
