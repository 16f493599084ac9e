// `weir serve` where things happen at the wrong moment: files saved while they are compiled, several at once, damage, full disks.
import assert from 'node:assert';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { built, eventually, startProgram } from './server.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const weir = built('weir');
const folder = mkdtempSync(join(tmpdir(), 'weir-serve-'));
const env = { ...process.env };
for (const name of Object.keys(env)) if (name.startsWith('WEIR_') || name.startsWith('WORKFLOWS_PY_')) delete env[name];
after(() => rmSync(folder, { recursive: true, force: true }));
const source = (name, text) => { const path = join(folder, name); writeFileSync(path, text); return path; };
let caches = 0;
const emptyCache = () => ({ ...env, XDG_CACHE_HOME: join(folder, `cache${++caches}`) });

/** A workflow that says `answer`. */
const says = (answer, { name = 'says', more = '', add = '' } = {}) => `#include <weir/weir.hpp>
#include <weir/plugin.hpp>
${more}
struct Says : weir::Workflow {
  Says() { step<&Says::say>(); }
  weir::StopEvent say(const weir::StartEvent&) { return weir::StopEvent(weir::Value("${answer}")); }
};
WEIR_EXPORT(server) { ${add} server.add_workflow<Says>("${name}"); }
`;
const program = answer => says(answer).replace(/WEIR_EXPORT[^]*/, `int main(int argc, char** argv) {
  weir::WorkflowServer server;
  server.add_workflow<Says>("says");
  return server.main(argc, argv);
}\n`);
const serve = (files, args, environment) => startProgram(weir, ['serve', ...files, '--host', '127.0.0.1', '--port', '0', ...args], { env: environment });
const run = (base, name = 'says') => spawnSync(weir, ['run', name, '--server', base], { env, encoding: 'utf8' }).stdout;
const answers = (base, answer, ms = 120000) => eventually(() => run(base), said => said.includes(`"${answer}"`), ms);
/** A compiler that does something first. */
const compiler = (name, script) => { const path = source(name, `#!/bin/sh\n${script}\nexec ${process.env.CXX ?? 'c++'} "$@"\n`); chmodSync(path, 0o755); return path; };
const fails = (files, environment, args = []) => spawnSync(weir, ['serve', ...files, '--host', '127.0.0.1', '--port', '0', ...args], { env: environment, encoding: 'utf8' });

test('a file that is saved while it is compiled is compiled again: the newest text runs, now and at the next start', async () => {
  const file = source('saved.cpp', says('old')), next = source('next.txt', says('new')), once = join(folder, 'once');
  const CXX = compiler('saves', `case "$*" in *saved.cpp*) if [ ! -e ${once} ]; then touch ${once}; ${process.env.CXX ?? 'c++'} "$@" || exit 1; cp ${next} ${file}; exit 0; fi;; esac`);
  const environment = { ...emptyCache(), CXX };
  const served = await serve([file], [], environment);
  assert.match(served.log(), /compiling .*saved.cpp\n.*compiling .*saved.cpp, which was saved meanwhile\nweir: compiled .*saved.cpp in \d+\.\d s\n/);
  assert.match(run(served.base), /"new"/);
  const again = await serve([file], [], environment);
  assert.match(again.log(), /saved.cpp is compiled already \(.*\.so\)/);
  assert.match(run(again.base), /"new"/);
});

test('--watch ends in the newest text, however quickly one save follows another', async () => {
  const file = source('often.cpp', says('v0'));
  const served = await serve([file], ['--watch'], emptyCache());
  for (let i = 1; i <= 20; i++) { source('often.cpp', says(`v${i}`)); await new Promise(resolve => setTimeout(resolve, 100)); }
  await answers(served.base, 'v20');
});

test('--watch: a library that is written over in place is loaded again when it is whole', async () => {
  const includes = ['actors', 'persistence', 'http'].map(name => `-I${join(root, name, 'include')}`);
  const library = (name, answer) => {
    execFileSync(process.env.CXX ?? 'c++', ['-std=c++20', '-fPIC', '-shared', '-fno-gnu-unique', ...includes, source(`${name}.cpp`, says(answer)), '-o', join(folder, `${name}.so`)]);
    return join(folder, `${name}.so`);
  };
  const first = library('first', 'before'), second = library('second', 'after'), served_file = join(folder, 'in_place.so');
  copyFileSync(first, served_file);
  const served = await serve([served_file], ['--watch'], emptyCache());
  assert.match(run(served.base), /"before"/);
  const whole = readFileSync(second);
  writeFileSync(served_file, whole.subarray(0, whole.length / 2));   // as `cp` has it in the middle
  await eventually(() => served.log(), log => /in_place.so' is no whole library: is it being written\?: what was loaded before stays/.test(log), 30000);
  assert.match(run(served.base), /"before"/);
  writeFileSync(served_file, whole);
  await answers(served.base, 'after', 30000);
  assert.equal((await served.stop()).code, 0);
});

test('a library in the cache that was damaged is compiled again', async () => {
  const file = source('damaged.cpp', says('sound')), environment = emptyCache();
  await (await serve([file], [], environment)).stop();
  const cache = join(environment.XDG_CACHE_HOME, 'weir'), entry = join(cache, readdirSync(cache)[0]);
  const library = join(entry, readdirSync(entry).find(name => name.endsWith('.so')));
  for (const size of [0, 100, 8300]) {
    truncateSync(library, size);
    const served = await serve([file], [], environment);
    assert.match(served.log(), /compiling .*damaged.cpp/);
    assert.match(run(served.base), /"sound"/);
    await served.stop();
  }
});

test('several processes that compile one file at once do not disturb each other', async () => {
  const file = source('shared.cpp', says('shared')), environment = { ...emptyCache(), CXX: compiler('slow', 'sleep 0.5') };
  const served = await Promise.all(Array.from({ length: 4 }, () => serve([file], [], environment)));
  for (const { base } of served) assert.match(run(base), /"shared"/);
});

test('where nothing can be kept it is said, and served all the same', async () => {
  const place = join(folder, 'no_folder');
  writeFileSync(place, 'a file');
  const served = await serve([source('unkept.cpp', says('unkept'))], [], { ...env, XDG_CACHE_HOME: join(place, 'below') });
  assert.match(served.log(), /nothing can be kept in .*below\/weir \(Not a directory\): what is compiled now goes with this process/);
  assert.match(run(served.base), /"unkept"/);
});

test('--watch follows a link that is pointed elsewhere', async () => {
  source('one.cpp', says('one'));
  source('two.cpp', says('two'));
  const link = join(folder, 'link.cpp');
  symlinkSync(join(folder, 'one.cpp'), link);
  const served = await serve([link], ['--watch'], emptyCache());
  assert.match(run(served.base), /"one"/);
  unlinkSync(link);
  symlinkSync(join(folder, 'two.cpp'), link);
  await answers(served.base, 'two');
});

test('two files with a workflow of one name are refused, and both are named', () => {
  const environment = emptyCache(), files = [source('a.cpp', says('a')), source('b.cpp', says('b'))];
  const got = fails(files, environment);
  assert.equal(got.status, 2);
  assert.match(got.stderr, /b.cpp': workflow 'says' is in '.*a.cpp' and in '.*b.cpp': give one of them another name/);
});

test('a library whose globals end the process is told, and --watch goes on with what was loaded', async () => {
  const throwing = '#include <stdexcept>\nstruct Global { Global() { throw std::runtime_error("no"); } } global;';
  const environment = emptyCache(), got = fails([source('global.cpp', says('x', { more: throwing }))], environment);
  assert.equal(got.status, 2);
  assert.match(got.stderr, /global.cpp' cannot be loaded: it ends the process while it is loaded \(Aborted\)\. Does the constructor of a global throw\?/);
  const file = source('turns.cpp', says('good')), served = await serve([file], ['--watch'], environment);
  source('turns.cpp', says('bad', { more: throwing }));
  await eventually(() => served.log(), log => /it ends the process while it is loaded[^]*what was loaded before stays/.test(log), 120000);
  assert.match(run(served.base), /"good"/);
});

test('libraries are named with --with, or with flags of the compiler, and come behind the source', async () => {
  const file = source('zipped.cpp', says('zipped', { more: '#include <zlib.h>', add: 'if (!zlibVersion()[0]) return;' }));
  const served = await serve([file], ['--with', 'zlib'], emptyCache());
  assert.match(run(served.base), /"zipped"/);
  assert.match(run((await serve([file], ['--cxxflags', '-lz'], emptyCache())).base), /"zipped"/);
  const got = fails([file], emptyCache(), ['--with', 'nosuchlibrary']);
  assert.equal(got.status, 2);
  assert.match(got.stderr, /--with nosuchlibrary: pkg-config does not know it/);
});

const alive = pid => { try { process.kill(pid, 0); return true; } catch { return false; } };
const childOf = pid => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

test('--watch of a program: its end is told and it is started again; a kill -9 of the watcher ends both', async () => {
  const file = source('program.cpp', program('mine')), environment = emptyCache();
  const served = await startProgram(weir, ['serve', file, '--host', '127.0.0.1', '--port', '0', '--watch'], { env: environment, survives: false });
  const first = childOf(served.process.pid);
  process.kill(first, 'SIGKILL');
  await eventually(() => served.log(), log => /program.cpp was ended by a signal \(Killed\); it is started again in 1 s/.test(log) && log.split('serving on').length === 3, 60000);
  const second = childOf(served.process.pid);
  assert.notEqual(second, first);
  served.process.kill('SIGKILL');
  await eventually(() => alive(second), is => !is, 30000);
});

test('--watch of a program that ends at once says so', async () => {
  const file = source('ends.cpp', program('x').replace('weir::WorkflowServer server;', 'if (argc > 0) return 7;\n  weir::WorkflowServer server;'));
  const child = spawn(weir, ['serve', file, '--host', '127.0.0.1', '--port', '0', '--watch'], { env: emptyCache(), stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', chunk => { log += chunk; });
  await eventually(() => log, text => /ends.cpp has ended with exit code 7; it is started again in 1 s, or when it changes\n[^]*started again in 2 s/.test(text), 120000);
  child.kill('SIGTERM');
  await new Promise(resolve => child.on('close', resolve));
});

