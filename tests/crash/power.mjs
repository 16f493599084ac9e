// A power cut: of a database's files is left what had been synced, and of what was written since, any part. See faults.cpp.
import fs from 'node:fs';

/** The changes since the last sync, oldest first; a record that was cut short itself is none. */
function changes(path) {
  const out = [], log = fs.existsSync(path) ? fs.readFileSync(path) : Buffer.alloc(0);
  for (let at = 0; at + 24 <= log.length;) {
    const [what, offset, size] = [0, 8, 16].map(field => Number(log.readBigInt64LE(at + field)));
    if (at + 24 + size > log.length) break;
    out.push({ what, offset, bytes: log.subarray(at + 24, at + 24 + size) });
    at += 24 + size;
  }
  return out;
}

function apply(file, { what, offset, bytes }, sectors) {
  if (what === 2) fs.ftruncateSync(file, offset);
  else fs.writeSync(file, bytes, 0, Math.min(bytes.length, sectors * 512), offset);
}

/** Of one file: all that was synced; each later change with the probability `kept`, one in four of them in part. */
function cut(path, random, kept) {
  if (!fs.existsSync(path)) return;
  const synced = `${path}.synced`, since = changes(`${path}.unsynced`);
  if (!fs.existsSync(synced)) fs.writeFileSync(synced, '');
  const file = fs.openSync(synced, 'r+');
  for (const change of since) if (random.chance(kept)) apply(file, change, random.chance(0.25) ? random.between(0, 8) : Infinity);
  fs.closeSync(file);
  fs.copyFileSync(synced, path);
  fs.rmSync(`${path}.unsynced`, { force: true });
}

export function cutPower(database, random) {
  const kept = random.pick([0, 0, 0.5, 0.9]);
  for (const file of [database, `${database}-wal`, `${database}-journal`]) cut(file, random, kept);
  fs.rmSync(`${database}-shm`, { force: true });
}
