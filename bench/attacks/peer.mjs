// A client that may break every rule: bytes as they are on raw sockets, and what came back taken apart.
import net from 'node:net';

/** One complete answer at `from`, or nothing yet. `closed`: nothing more will come. */
function parseAnswer(bytes, from, closed, head) {
  const end = bytes.indexOf('\r\n\r\n', from);
  if (end < 0) return null;
  const [first, ...lines] = bytes.toString('latin1', from, end).split('\r\n');
  const headers = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const status = Number(first.split(' ')[1]), begin = end + 4;
  const whole = (body, next) => ({ answer: { status, headers, body }, next });
  if (status === 100) return { next: begin };
  if (head || status === 204 || status === 304) return whole('', begin);
  if (headers['content-length'] !== undefined) {
    const next = begin + Number(headers['content-length']);
    return next <= bytes.length ? whole(bytes.toString('utf8', begin, next), next) : null;
  }
  if (headers['transfer-encoding'] !== 'chunked') return closed ? whole(bytes.toString('utf8', begin), bytes.length) : null;
  const parts = [];
  for (let at = begin; ;) {
    const line = bytes.indexOf('\r\n', at), size = line < 0 ? NaN : parseInt(bytes.toString('latin1', at, line), 16);
    if (Number.isNaN(size) || line + 4 + size > bytes.length) return null;
    if (size === 0) return whole(Buffer.concat(parts).toString(), line + 4);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 4 + size;
  }
}

/** A connection whose errors are expected; the server under attack remembers it, so that all end together. */
export function connect(server) {
  const socket = net.connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('close', () => server.sockets.delete(socket));
  server.sockets.add(socket);
  return socket;
}

/** Sends bytes; resolves to { answers, closed } when there are `count` answers, the server has closed, or time is up. */
export function exchange(server, bytes, { count = Infinity, ms = 5000, head = false } = {}) {
  return new Promise(resolve => {
    const socket = connect(server), answers = [];
    let received = Buffer.alloc(0), at = 0, pieces = [];
    const look = closed => {
      received = Buffer.concat([received.subarray(at), ...pieces]);
      pieces = [];
      at = 0;
      for (let found; (found = parseAnswer(received, at, closed, head)); at = found.next) if (found.answer) answers.push(found.answer);
    };
    const finish = closed => {
      clearTimeout(timer);
      look(closed);
      socket.destroy();
      resolve({ answers, closed });
    };
    const timer = setTimeout(() => finish(false), ms * server.patience);
    socket.on('data', piece => {
      pieces.push(piece);
      if (pieces.length > 64 || piece.length < 65536) look(false);
      if (answers.length >= count) finish(false);
    });
    socket.on('close', () => finish(true));
    socket.write(bytes);
  });
}

/** A request's bytes. Headers that are given take the place of those that every request has. */
export function request(server, method, path, { headers = {}, body = '', close = true } = {}) {
  const all = { host: `127.0.0.1:${server.port}`, ...(server.key && { authorization: `Bearer ${server.key}` }), ...(close && { connection: 'close' }) };
  if (method === 'POST') Object.assign(all, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
  const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** One request, one answer; status 0 when none came in time. */
export async function ask(server, method, path, { ms = 5000, ...options } = {}) {
  const { answers } = await exchange(server, request(server, method, path, options), { count: 1, ms, head: method === 'HEAD' });
  return answers[0] ?? { status: 0, headers: {}, body: '' };
}

/** Connections that have asked and do not read the answer. */
export function unread(server, count, bytes) {
  return Array.from({ length: count }, (_, i) => {
    const socket = connect(server);
    socket.pause();
    socket.write(typeof bytes === 'function' ? bytes(i) : bytes);
    return socket;
  });
}

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Starts many runs on a few connections. */
export async function fill(server, workflow, count, { route = 'run-nowait', start = {}, connections = 16 } = {}) {
  let left = count;
  const bytes = request(server, 'POST', `/workflows/${workflow}/${route}`, { body: JSON.stringify({ start_event: start }), close: false });
  const one = () => new Promise((resolve, reject) => {
    const socket = connect(server);
    const next = () => (left-- > 0 ? socket.write(bytes) : socket.destroy());
    socket.on('data', piece => {
      if (piece.toString('latin1', 9, 12) !== '200') reject(new Error(`${workflow} was not started: ${piece}`));
      next();
    });
    socket.on('close', resolve);
    next();
  });
  await Promise.all(Array.from({ length: connections }, one));
}

/** A run that is over; its handler_id. */
export async function ended(server, workflow, start = {}, id = undefined) {
  const answer = await ask(server, 'POST', `/workflows/${workflow}/run`, { body: JSON.stringify({ start_event: start, handler_id: id }), ms: 20000 });
  if (answer.status !== 200) throw new Error(`${workflow} was not run: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body).handler_id;
}

/** How often each status came: "200 x3, 400 x1". */
export function tally(answers) {
  const counts = new Map();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${status || 'none'} x${count}`).join(', ');
}
