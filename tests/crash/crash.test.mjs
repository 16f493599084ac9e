// Random programs with fixed seeds, each disturbed in one way. WEIR_CRASH_SEEDS=N: N seeds a mode (default 2).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mode } from './modes.mjs';
import { report, round } from './main.mjs';
import { Random } from './random.mjs';
import { undisturbed } from './rounds.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weir-crash-')), seeds = Number(process.env.WEIR_CRASH_SEEDS ?? 2), programs = 12;
const baselines = new Map();
const failed = [];

/** Modes share what they are compared with. */
async function baseline(seed) {
  if (!baselines.has(seed)) baselines.set(seed, await undisturbed(seed, join(folder, String(seed)), programs));
  return baselines.get(seed);
}
const modes = {
  'is killed at random times': ['kill', 4], 'loses its power': ['power', 3], 'has a disk that fails for milliseconds now and then': ['toggle', 2],
  'has a full disk for seconds': ['full', 3], 'dies at a write or sync': ['die', 3], 'dies in the middle of a write': ['torn', 2],
  'has one write or sync that fails': ['eio', 3], 'has thirty writes or syncs that fail': ['eio:both:30', 2], 'has no space for thirty writes': ['enospc:write:30', 2],
  'has a disk that fails from some moment on': ['eio:both:0', 2], 'has a disk that is full from some moment on': ['enospc:write:0', 1],
};

for (const [what, [text, weight]] of Object.entries(modes))
  test(`random programs go the same way on a server that ${what}`, { timeout: 600000 }, async () => {
    for (let seed = 1; seed <= Math.ceil(weight * seeds / 2); seed++) {
      const calm = await baseline(seed), random = new Random(seed + text.length);
      const outcome = await round(calm, folder, { mode: text, programs, point: mode(text).atPoint ? random.between(1, calm.calls) : 0 });
      if (outcome.problems.length) failed.push(text);
      if (outcome.problems.length) throw new Error(report(outcome));
    }
  });

test('random programs go as the rules say on a server that is left alone', () => {
  for (const [seed, { problems }] of baselines)
    if (problems.length) throw new Error(report({ problems, repeat: `./dev crash --seed ${seed} --programs ${programs} --mode kill`, folder: join(folder, String(seed)) }));
  if (failed.length === 0) rmSync(folder, { recursive: true });
});
