// Weir as other projects get it: installed, found by CMake and pkg-config, below another project, and as Debian packages.
import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.WEIR_BUILD;
const folder = mkdtempSync(join(tmpdir(), 'weir-package-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (command, args, options = {}) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26, ...options });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout}${error.stderr}`);
  }
};
const configure = (source, target, ...options) => run('cmake', ['-S', source, '-B', target, '-G', 'Ninja', ...options]);

const prefix = join(folder, 'installed');
run('cmake', ['--install', build, '--prefix', prefix]);

test('what is installed: libraries, headers, the command with its manual and completion', () => {
  for (const path of ['bin/weir', 'include/weir/weir.hpp', 'include/weir/client.hpp', 'share/man/man1/weir.1', 'share/bash-completion/completions/weir',
    'share/zsh/vendor-completions/_weir']) assert.ok(existsSync(join(prefix, path)), path);
  assert.match(run(join(prefix, 'bin/weir'), ['--version']), /^weir \d+\.\d+\.\d+\n$/);
});

test('examples/embed builds with nothing but the installed package, and its programs run', async () => {
  const target = join(folder, 'embed');
  configure(join(root, 'examples/embed'), target, `-DCMAKE_PREFIX_PATH=${prefix}`);
  run('cmake', ['--build', target]);
  assert.equal(run(join(target, 'plain'), [join(folder, 'plain.db')]).split('\n').sort().join(' ').trim(), 'squaring 1 squaring 2 squaring 3 sum: 14');
  assert.equal(run(join(target, 'beside'), []), 'Hello, Ada!\nHallo, Ada!\n');
  const server = spawn(join(target, 'actors'), ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise(resolve => server.stdout.once('data', chunk => resolve(String(chunk).trim())));
  assert.equal(run(join(target, 'actors'), ['drive', port, 'teapot']), 'weighs 600 g\nparcel with teapot\n');
  server.stdin.end();
  assert.equal(await new Promise(resolve => server.on('close', resolve)), 0);
});

test('a program that only asks a server links neither the actors nor a store', () => {
  const project = join(folder, 'asking');
  mkdirSync(project);
  writeFileSync(join(project, 'CMakeLists.txt'), `cmake_minimum_required(VERSION 3.25)
project(asking CXX)
find_package(weir REQUIRED COMPONENTS client)
add_executable(asking asking.cpp)
target_link_libraries(asking PRIVATE weir::client)
`);
  writeFileSync(join(project, 'asking.cpp'), `#include <weir/client.hpp>
#include <iostream>
int main() {
  const weir::Client client({.url = "http://127.0.0.1:1"});
  const auto healthy = client.healthy().get();
  std::cout << (healthy ? "there" : "nobody there") << '\\n';
}
`);
  configure(project, join(project, 'build'), `-DCMAKE_PREFIX_PATH=${prefix}`);
  run('cmake', ['--build', join(project, 'build')]);
  const program = join(project, 'build/asking');
  assert.equal(run(program, []), 'nobody there\n');
  assert.doesNotMatch(run('ldd', [program]), /libcaf|libsqlite/);
});

test('a component that does not exist is named', () => {
  const project = join(folder, 'wrong');
  mkdirSync(project);
  writeFileSync(join(project, 'CMakeLists.txt'), 'cmake_minimum_required(VERSION 3.25)\nproject(wrong CXX)\nfind_package(weir REQUIRED COMPONENTS tea)\n');
  assert.throws(() => configure(project, join(project, 'build'), `-DCMAKE_PREFIX_PATH=${prefix}`), /weir has no component 'tea'/);
});

test('pkg-config tells all that a program needs', () => {
  const path = readdirSync(join(prefix, 'lib'), { recursive: true }).find(name => name.endsWith('weir.pc'));
  const env = { ...process.env, PKG_CONFIG_PATH: dirname(join(prefix, 'lib', path)) };
  const words = run('pkg-config', ['--define-variable', `prefix=${prefix}`, '--cflags', '--libs', 'weir'], { env }).trim().split(/\s+/);
  const program = join(folder, 'by-pkg-config');
  run(process.env.CXX ?? 'c++', [join(root, 'examples/embed/beside.cpp'), '-o', program, ...words]);
  assert.equal(run(program, []), 'Hello, Ada!\nHallo, Ada!\n');
});

test('below another project, by add_subdirectory and FetchContent, there are the libraries and nothing else', () => {
  for (const fetch of ['OFF', 'ON']) {
    const target = join(folder, `below-${fetch}`);
    configure(join(root, 'tests/package/subdirectory'), target, `-DWEIR_SOURCE=${root}`, `-DWITH_FETCHCONTENT=${fetch}`, '-DCMAKE_BUILD_TYPE=Debug');
    const targets = run('ninja', ['-C', target, '-t', 'targets', 'all']);
    assert.match(targets, /libweir_http\.a/);
    assert.doesNotMatch(targets, /engine_tests|weir-examples|weir-bench|weir-command|client_tests/);
    assert.match(run('ninja', ['-C', target, '-t', 'commands', 'program']), /-o program/);
  }
});

test('Debian packages: the command, and what programs are built with', () => {
  run('cpack', ['--config', join(build, 'CPackConfig.cmake'), '-B', folder]);
  const packages = readdirSync(folder).filter(name => name.endsWith('.deb')).sort();
  assert.deepEqual(packages.map(name => name.split('_')[0]), ['libweir-dev', 'weir']);
  const [development, command] = packages.map(name => run('dpkg-deb', ['-c', join(folder, name)]));
  assert.match(command, /usr\/bin\/weir\n/);
  assert.match(development, /libweir_core\.a/);
});
