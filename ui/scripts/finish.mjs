// After the build: the licences of what is in the bundle, and a hash of the sources that it was built from.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceHash } from './sourceHash.mjs';

const ui = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = JSON.parse(readFileSync(join(ui, 'package-lock.json'), 'utf8'));

/** Every package that the page needs when it runs, with what those need. */
function bundled() {
  const names = new Set();
  const visit = name => {
    const entry = lock.packages[`node_modules/${name}`];
    if (names.has(name) || !entry || name.startsWith('@types/')) return;
    names.add(name);
    Object.keys(entry.dependencies ?? {}).forEach(visit);
  };
  Object.keys(lock.packages[''].dependencies).forEach(visit);
  return [...names].sort();
}

function licenceOf(name) {
  const folder = join(ui, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = existsSync(folder) && readdirSync(folder).find(entry => /^licen[cs]e(\.|$)/i.test(entry));
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `License: ${license}`;
  return `${name} ${version} (${license})\n\n${text}\n`;
}

const notices = bundled().map(licenceOf).join(`\n${'-'.repeat(100)}\n\n`);
writeFileSync(join(ui, 'dist/licenses.txt'), `The debugger contains these packages.\n\n${notices}`);
writeFileSync(join(ui, 'dist/SOURCE_HASH'), `${sourceHash()}\n`);
