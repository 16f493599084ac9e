// All attacks: { name, start, seed, attack, grows_mb, returns_mb, waits_ms }. `start` is how the server is started, `seed` what is there before the attack, which
// `attack` is told of; `attack` resolves to { seen, wrong }; `grows_mb` and `waits_ms` are what the server may need, `returns_mb` what it may keep, and
// others may wait, meanwhile, where that is more than usual.
import callers from './callers.mjs';
import connections from './connections.mjs';
import framing from './framing.mjs';
import memory from './memory.mjs';
import store from './store.mjs';
import work from './work.mjs';

export default [...framing, ...connections, ...memory, ...work, ...callers, ...store];
