// The same choices for the same seed.
export class Random {
  #state;
  constructor(seed) {
    this.#state = Math.imul(seed, 2654435761) >>> 0;
    for (let i = 0; i < 5; i++) this.next();
  }
  /** At least 0, below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  chance(probability) { return this.next() < probability; }
  /** From `low` to `high`, both included. */
  between(low, high) { return low + Math.floor(this.next() * (high - low + 1)); }
  pick(list) { return list[Math.floor(this.next() * list.length)]; }
  /** One of the names, as often as its weight says. */
  weighted(weights) {
    const entries = Object.entries(weights).filter(([, weight]) => weight > 0);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) if ((left -= weight) < 0) return name;
    return entries.at(-1)[0];
  }
}
