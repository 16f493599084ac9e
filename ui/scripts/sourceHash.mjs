// One hash of everything that the page is built from. A test compares it with the one in dist: nobody forgets to build.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ui = join(dirname(fileURLToPath(import.meta.url)), '..');
const single = ['index.html', 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'scripts/finish.mjs'];
const made = new Set(['src/api/schema.d.ts']); // types alone: nothing of it is in the page

const walk = folder =>
  readdirSync(folder, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]));

export function sourceHash() {
  const files = [...single.map(name => join(ui, name)), ...walk(join(ui, 'src')), ...walk(join(ui, 'public'))];
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const name = relative(ui, file);
    if (!made.has(name)) hash.update(name).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}
