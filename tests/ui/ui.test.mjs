// The debugger's sources: their types fit the server's, their units work, and ui/dist is what they are built to.
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { sourceHash } from '../../ui/scripts/sourceHash.mjs';

const ui = join(dirname(fileURLToPath(import.meta.url)), '../../ui');
const dist = join(ui, 'dist');
const run = (command, ...args) => {
  try {
    return execFileSync(join(ui, 'node_modules/.bin', command), args, { cwd: ui, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout}${error.stderr}`);
  }
};
const walk = folder => readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]);

test('ui/dist was built from these sources', () => {
  assert.equal(readFileSync(join(dist, 'SOURCE_HASH'), 'utf8').trim(), sourceHash(), 'run `npm ci --ignore-scripts && npm run build` in ui/');
});

test('the page is small: 220 kB for the first load, 340 kB in all, as they are sent', () => {
  const size = path => gzipSync(readFileSync(path), { level: 9 }).length;
  const sent = walk(dist).filter(path => !/SOURCE_HASH|licenses/.test(path));
  const first = sent.filter(path => !/JsonEditor/.test(path)).reduce((sum, path) => sum + size(path), 0);
  const all = sent.reduce((sum, path) => sum + size(path), 0);
  console.log(`first load ${first} bytes, all ${all}`);
  assert.ok(first <= 220_000 && all <= 340_000, `${first} and ${all}`);
});

test('types are those of the server\'s OpenAPI document', () => {
  execFileSync('node', ['scripts/types.mjs'], { cwd: ui, stdio: 'pipe' });
  run('tsc', '--noEmit');
});

test('units', () => { run('vitest', 'run'); });

test('building again gives the same bytes', () => {
  const again = mkdtempSync(join(tmpdir(), 'weir-ui-dist-'));
  run('vite', 'build', '--outDir', again, '--emptyOutDir');
  const contents = folder => Object.fromEntries(walk(folder).map(path => [relative(folder, path), readFileSync(path, 'base64')]));
  const committed = contents(dist);
  for (const name of ['SOURCE_HASH', 'licenses.txt']) delete committed[name];
  assert.deepEqual(Object.keys(contents(again)), Object.keys(committed));
  assert.ok(JSON.stringify(contents(again)) === JSON.stringify(committed), 'ui/dist has other bytes');
  rmSync(again, { recursive: true });
});
