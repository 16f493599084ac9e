// Asks GET /health beside an attack, on a thread of its own so that a busy attacker does not look like a busy server: every few
// milliseconds on a connection that stays, and now and then on a new one. A server that does nothing else is asked likewise: how long that one
// takes is the machine's doing.
import net from 'node:net';
import { isMainThread, parentPort, workerData, Worker } from 'node:worker_threads';

const EVERY = 5, NEW_EVERY = 100;  // ms

/** Answers everything at once. */
function bystander() {
  const server = net.createServer(socket => socket.on('data', () => socket.write('x')).on('error', () => {}));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

function asker({ port, bystanderPort }) {
  const worst = { kept: 0, fresh: 0, idle: 0 }, since = { kept: 0, fresh: 0, idle: 0 };
  const asked = kind => { since[kind] = performance.now(); };
  const answered = kind => {
    if (since[kind]) worst[kind] = Math.max(worst[kind], performance.now() - since[kind]);
    since[kind] = 0;
  };
  const text = close => `GET /health HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${close ? 'connection: close\r\n' : ''}\r\n`;
  let kept = null;
  const keep = () => {
    kept = net.connect(port, '127.0.0.1');
    kept.on('data', () => answered('kept')).on('error', () => {}).on('close', () => { kept = null; });
  };
  setInterval(() => {
    if (since.kept && kept) return;
    if (!kept) keep();
    if (!since.kept) asked('kept');
    kept.write(text(false));
  }, EVERY);
  const idle = net.connect(bystanderPort, '127.0.0.1').on('data', () => answered('idle'));
  setInterval(() => {
    if (since.idle) return;
    asked('idle');
    idle.write('x');
  }, EVERY);
  // A connection that was refused or dropped is tried again; the wait goes on.
  const meet = () => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text(true)));
    socket.on('data', () => { answered('fresh'); socket.destroy(); }).on('error', () => {});
    socket.on('close', () => { if (since.fresh) setTimeout(meet, EVERY); });
  };
  setInterval(() => {
    if (since.fresh) return;
    asked('fresh');
    meet();
  }, NEW_EVERY);
  parentPort.on('message', () => {
    for (const kind of Object.keys(worst)) answered(kind);
    parentPort.postMessage({ stall_ms: Math.round(worst.kept), connect_ms: Math.round(worst.fresh), noise_ms: Math.round(worst.idle) });
    process.exit(0);
  });
}

const thread = workerData => new Worker(new URL(import.meta.url), { workerData });
const message = from => new Promise((resolve, reject) => from.once('message', resolve).once('error', reject));

/** Begins to ask; the function that it resolves to ends it and resolves to the longest waits, those that have not ended included. */
export async function probe(port) {
  const other = thread({ role: 'bystander' });
  const asking = thread({ role: 'asker', port, bystanderPort: await message(other) });
  return async () => {
    asking.postMessage('stop');
    const waits = await message(asking);
    await other.terminate();
    return waits;
  };
}

if (!isMainThread && workerData?.role) (workerData.role === 'asker' ? asker : bystander)(workerData);
