// What hostile clients, and a store that fails, do to everybody else: the attacks of `./dev bench attacks`, fewer of each. They are judged by
// what is answered, to whom, and whether the server lives and ends; times and memory are for the benchmark.
import assert from 'node:assert';
import { test } from 'node:test';
import attacks from '../../bench/attacks/list.mjs';
import { run } from '../../bench/attacks/run.mjs';

const program = process.env.WEIR_BENCH_SERVER;
if (!program) throw new Error('set WEIR_BENCH_SERVER to the path of weir-bench-server');

for (const attack of attacks)
  test(`others are served beside ${attack.name}`, { timeout: 120000 }, async () => {
    const { wrong, log } = await run(attack, program, { scale: 0.04, patience: 4 });
    assert.deepEqual(wrong, [], log.slice(-4000));
  });
