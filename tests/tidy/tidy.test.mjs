// The rules of the house, checked on the source tree.
import assert from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const walk = folder => readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? (entry.name === 'node_modules' ? [] : walk(join(folder, entry.name))) : [join(folder, entry.name)]);
const sources = ['actors', 'persistence', 'http', 'examples', 'bench', 'tests'].flatMap(walk).filter(path => /\.(cpp|hpp)$/.test(path));
const read = path => readFileSync(join(root, path), 'utf8');
const includes = path => [...read(path).matchAll(/^#include ([<"])([^>"]+)[>"]/gm)].map(([, kind, name]) =>
  (kind === '"' && !name.includes('/') ? join(dirname(path), name) : name));

const LIBRARIES = /^(caf|curl|restinio|asio|nlohmann|sqlite3|openssl|CLI|http_parser|libpq|doctest)\b/;
// Rooms from the ground up, and what each may include beside std, POSIX, itself and `weir/` headers. What is not listed is forbidden, so
// there is no circle: a room is below those that include it.
const room = (...names) => new RegExp(`^weir/|^(${names.join('|')})/[a-z0-9_]+\\.hpp$`);
const ENGINE = ['model', 'reduce', 'graph', 'text'].map(name => `actors/engine/${name}`);
const runtime = (...names) => room('actors/values', ...ENGINE, ...names.map(name => `actors/runtime/${name}`), 'caf.*');
const RULES = [
  ['actors/include/weir', /^weir\//],
  ['persistence/include/weir', /^weir\//],
  ['http/include/weir', /^weir\//],
  ['actors/values', /^weir\//],
  ['actors/engine/model', room('actors/values')],
  ['actors/engine/reduce', room('actors/values', 'actors/engine/model')],
  ['actors/engine/graph', room('actors/values', 'actors/engine/model')],
  ['actors/engine/text', room('actors/values', 'actors/engine/model', 'actors/engine/reduce')],
  ['actors/runtime/clock', runtime()],
  ['actors/runtime/declare', runtime('clock')],
  ['actors/runtime/commit', runtime('clock')],
  ['actors/runtime/messages', runtime('clock', 'commit')],
  ['actors/runtime/recover', runtime('clock', 'declare', 'messages')],
  ['actors/runtime/live', runtime('clock', 'declare', 'commit', 'messages')],
  ['actors/runtime/read', runtime('clock', 'messages', 'live')],
  ['actors/runtime/step', runtime('clock', 'declare', 'messages', 'live')],
  ['actors/runtime/run', runtime('clock', 'declare', 'commit', 'messages', 'recover', 'live', 'read', 'step')],
  ['actors/runtime', runtime('clock', 'declare', 'commit', 'messages', 'recover', 'live', 'read', 'step', 'run')],
  ['persistence/tool', /^(CLI\/|weir\/printable\.hpp$|persistence\/sqlite\/(database|maintenance)\.hpp$)/],
  ['persistence', /^persistence\/(handler_query|commit_order|ended_handlers|state_history)\.hpp$|^weir\/(store|assert|codec|error|retention|value|time)\.hpp$/],
  ['http/access', room()],
  ['http/options', room('http/access')],
  ['http/wire', room('http/access')],
  ['http/answers', room('http/access', 'http/options', 'http/wire', 'actors/runtime')],
  ['http/streams', room('http/answers')],
  ['http/routes', room('http/access', 'http/options', 'http/wire', 'http/answers', 'http/streams', 'actors/runtime')],
  ['http/client', room('actors/values')],
  ['http/cli', /^(weir\/|http\/(options|access)\/|CLI\/|(persistence\/tool\/verbs|actors\/runtime\/declare\/workflow_owner)\.hpp$)/],
  ['http', room('http/access', 'http/options', 'http/wire', 'http/answers', 'http/routes')],
  ['examples', /^weir\//],
];
const EXCEPTIONS = {
  'actors/values/json_parser.cpp': /^nlohmann\//,
  'http/routes/page.cpp': /^ui\/assets\.hpp$/,
  'http/wire/transport.cpp': /^restinio\//,
  'http/wire/gate.hpp': /^restinio\//,
  'http/wire/io_thread.hpp': /^restinio\//,
  'http/wire/restinio_exchange.hpp': /^restinio\//,
  'http/answers/idempotency.cpp': /^openssl\//,
  'persistence/sqlite/database.hpp': /^sqlite3\.h$/,
  'persistence/sqlite/failures.cpp': /^sqlite3\.h$/,
  'persistence/sqlite/paced_vfs.cpp': /^sqlite3\.h$/,
  'actors/include/weir/caf_compat.hpp': /^caf\//,
  'http/client/transfers.cpp': /^curl\//,
  'http/cli/compile_cache.cpp': /^openssl\//,
  'http/options/command_line.hpp': /^CLI\//,
  'http/options/settings.cpp': /^CLI\//,
  'examples/chat_model.hpp': /^curl\//,
  'examples/etl.hpp': /^sqlite3\.h$/,
  'examples/embed/actors.cpp': /^caf\//,
};

test('each folder includes only what it may', () => {
  const wrong = [];
  for (const path of sources) {
    const rule = RULES.find(([folder]) => path.startsWith(`${folder}/`));
    if (!rule) continue;
    for (const name of includes(path)) {
      const ours = name.startsWith('weir/') || /^(actors|persistence|http)\//.test(name);
      const own = name.startsWith(`${dirname(path)}/`) && dirname(path) !== 'persistence';
      if ((ours || LIBRARIES.test(name)) && !own && !rule[1].test(name) && !EXCEPTIONS[path]?.test(name)) wrong.push(`${path} includes ${name}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('the engine has no clock, no thread, no randomness, no unordered container', () => {
  const banned = /system_clock|steady_clock|std::thread|std::mutex|std::random|unordered_|getrandom|#include <(thread|mutex|random|atomic|unordered_map|unordered_set)>/;
  assert.deepEqual(sources.filter(path => path.startsWith('actors/engine/') && banned.test(read(path))), []);
});

test('only the compatibility header asks for CAF\'s version, only timers.cpp reads the wall clock', () => {
  const asking = sources.filter(path => /CAF_(MAJOR_|MINOR_)?VERSION/.test(read(path)));
  assert.deepEqual(asking, ['actors/include/weir/caf_compat.hpp']);
  const clocks = sources.filter(path => !path.startsWith('tests/') && /system_clock::now/.test(read(path)));
  assert.deepEqual(clocks, ['actors/runtime/clock/timers.cpp']);
});

test('no delay is added to a time without later(), which knows the last instant, and no lock is waited with by wait_for()', () => {
  const raw = /(\bnow\(\)|\b(now|present|due|deadline|since_?|idle_since|\w+_at_?)\b) \+ [^+]|\.wait_for\(lock\b/;
  const lines = sources.filter(path => /^(actors|http|persistence)\//.test(path)).flatMap(path =>
    read(path).split('\n').filter(line => raw.test(line.replace(/"(\\.|[^"])*"/g, '""'))).map(line => `${path}: ${line.trim()}`));
  assert.deepEqual(lines, []);
});

test('no test sleeps to wait, no library prints to std::cout', () => {
  const sleeping = sources.filter(path => path.startsWith('tests/') && path !== 'tests/until.hpp' && /sleep_for|sleep_until|usleep/.test(read(path)));
  assert.deepEqual(sleeping, []);
  const waitingInVain = sources.filter(path => path.startsWith('tests/') && path !== 'tests/until.hpp' && /this_thread::yield/.test(read(path)));
  assert.deepEqual(waitingInVain, [], 'until(what, ...) says what it waited for');
  const printing = sources.filter(path => /^(actors|persistence|http)\//.test(path) && !/\/(tool|cli)\//.test(path) &&
    /std::(cout|cerr|clog)/.test(read(path)));
  assert.deepEqual(printing, []);
});

test('every source is built: its name stands in a CMakeLists.txt', () => {
  const lists = ['actors', 'persistence', 'http', 'examples', 'examples/embed', 'bench', 'tests', 'tests/crash', 'tests/fuzz'].map(folder => read(`${folder}/CMakeLists.txt`)).join('\n');
  const unbuilt = sources.filter(path => path.endsWith('.cpp') && !path.startsWith('tests/compile_fail/') && !lists.includes(/^(examples\/embed|tests\/crash|tests\/fuzz)\//.test(path) ? path.split('/').at(-1) : path.slice(path.indexOf('/') + 1)));
  assert.deepEqual(unbuilt, []);
});

test('weir/weir.hpp reaches no CAF, HTTP, SQL or JSON-library header, and every public header compiles alone', () => {
  const compiler = process.env.CXX ?? 'g++';
  const paths = ['actors/include', 'persistence/include', 'http/include'].map(path => `-I${join(root, path)}`);
  const compile = (text, flags) => execFileSync(compiler, ['-std=c++20', ...paths, ...flags, '-x', 'c++', '-'], { input: text, encoding: 'utf8' });
  const reached = compile('#include <weir/weir.hpp>', ['-M']).split(/\s+/);
  assert.ok(reached.some(path => path.endsWith('weir/server.hpp')));
  assert.deepEqual(reached.filter(path => /\/(caf|restinio|asio|nlohmann|sqlite3|openssl|libpq)[/.]/.test(path)), []);
  for (const header of sources.filter(path => /include\/weir\//.test(path)))
    compile(`#include <weir/${header.split('/').at(-1)}>\n`, ['-fsyntax-only', '-Wall', '-Wextra', '-Werror']);
});

test('the README shows examples/hello.cpp as it is compiled', () => {
  assert.equal(/```cpp\n([^]*?)```/.exec(read('README.md'))[1], read('examples/hello.cpp'));
});

test('every C++ snippet of the guide is cut from the file that it names, and its pages link to each other', () => {
  const wrong = [];
  for (const page of walk('docs')) {
    const text = read(page);
    for (const [, before, snippet] of text.matchAll(/(.*)\n```cpp\n([^]*?)```/g)) {
      const from = /^<!-- from (\S+) -->$/.exec(before)?.[1];
      const lines = snippet.trimEnd().split('\n');
      if (!from || !read(from).includes(lines.join('\n'))) wrong.push(`${page}: ${from ?? 'nowhere'}: ${lines[0].trim()}`);
    }
    for (const [, link] of text.matchAll(/\]\(([^)#\s]+\.md)\)/g)) if (!walk('docs').includes(join('docs', link))) wrong.push(`${page} links to ${link}`);
  }
  assert.deepEqual(wrong, []);
});

test('no file has grown beyond one idea', () => {
  const long = sources.filter(path => !path.startsWith('tests/') && read(path).split('\n').length > 460);
  assert.deepEqual(long, []);
});

const rowsOf = text => new Map([...text.matchAll(/^\| (\d+a?) \| [^|]+ \| (.*) \|$/gm)].map(([, number, shown]) => [number, shown]));

function namesOfTests() {
  const tests = new Set();
  for (const path of [...sources.filter(path => path.startsWith('tests/')), ...walk('tests').filter(path => path.endsWith('.test.mjs'))])
    for (const [, cpp, js] of read(path).matchAll(/TEST_CASE\("((?:[^"\\]|\\.)*)"\)|^ *test\(['`]((?:[^'`\\]|\\.)*)['`]/gm)) tests.add((cpp ?? js).replace(/\\(.)/g, '$1').replace('${seed}', 'N'));
  return tests;
}

/** Rows whose tests do not exist. */
function holesIn(rows) {
  const tests = namesOfTests();
  const holes = [];
  for (const [number, shown] of rows)
    if (!/^(meaningless|planned): .{10,}/.test(shown))
      for (const name of shown.split('<br>')) if (!tests.has(name)) holes.push(`${number}: no test is called "${name}"`);
  return holes;
}

test('every feature and weak spot of the protocol, and what goes beyond it, is shown by tests that exist, or says why not', () => {
  const [, features, weakSpots, beyond] = read('tests/features.md').split(/^## .+$/m).map(rowsOf);
  assert.deepEqual([...features.keys()], Array.from({ length: 151 }, (_, i) => String(i + 1)));
  assert.deepEqual([...weakSpots.keys()], [...Array.from({ length: 26 }, (_, i) => String(i + 1)), '26a', '27', '28']);
  assert.deepEqual([...beyond.keys()], Array.from({ length: beyond.size }, (_, i) => String(i + 1)));
  assert.ok(beyond.size > 0);
  assert.deepEqual(holesIn([...features, ...weakSpots, ...beyond]), []);
});

test('everything that the debugger can do is shown by tests that exist', () => {
  const features = rowsOf(read('tests/ui/features.md'));
  assert.deepEqual([...features.keys()], Array.from({ length: 54 }, (_, i) => String(i + 1)));
  assert.deepEqual(holesIn(features), []);
});

test('./dev names a command that it does not know, and exits with 2', () => {
  const { status, stdout, stderr } = spawnSync(join(root, 'dev'), ['nosuch'], { encoding: 'utf8' });
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /unknown command 'nosuch'/);
});
