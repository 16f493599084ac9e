// Requests that a proxy and a server could read differently, and pipelines that end in odd places.
import { ask, connect, exchange, request, tally, unread } from './peer.mjs';

const POST = (host, headers, body) => `POST /workflows/noop/run HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n${body}`;
const GET = (host, headers = '') => `GET /health HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked', JSON_BODY = '{"a": 1}';
const chunk = text => `${text.length.toString(16)}\r\n${text}\r\n`;

// What is sent, and the statuses that are right.
const INPUTS = {
  'lines ended by LF': [h => `GET /health HTTP/1.1\nHost: ${h}\n\n`, [400]],
  'one line ended by LF': [h => `GET /health HTTP/1.1\r\nHost: ${h}\nA: b\r\n\r\n`, [400]],
  'a folded line': [h => GET(h, 'A: b\r\n c\r\n'), [400]],
  'a fold before the first field': [h => `GET /health HTTP/1.1\r\n Host: ${h}\r\nHost: ${h}\r\n\r\n`, [400]],
  'a space before the colon': [h => GET(h, 'A : b\r\n'), [400]],
  'a space before the colon of Content-Length': [h => POST(h, `Content-Length : ${JSON_BODY.length}`, JSON_BODY), [400]],
  'CR alone in a value': [h => GET(h, 'A: b\rc: d\r\n'), [400]],
  'NUL in a value': [h => GET(h, 'A: b\0c\r\n'), [400]],
  'a field name that is no token': [h => GET(h, 'A(b: c\r\n'), [400]],
  'an empty field name': [h => GET(h, ': c\r\n'), [400]],
  'a field without a colon': [h => GET(h, 'nothing\r\n'), [400]],
  'no Host': [() => 'GET /health HTTP/1.1\r\n\r\n', [400]],
  'two Hosts': [h => GET(h, `Host: ${h}\r\n`), [400]],
  'a Host with a space': [() => GET('a b'), [400]],
  'a Host with a user': [h => GET(`127.0.0.1@${h}`), [400, 421]],
  'HTTP/2.0': [h => `GET /health HTTP/2.0\r\nHost: ${h}\r\n\r\n`, [505]],
  'HTTP/3.9': [h => `GET /health HTTP/3.9\r\nHost: ${h}\r\n\r\n`, [505]],
  'the preface of HTTP/2': [() => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
  'http/1.1 in small letters': [h => `GET /health http/1.1\r\nHost: ${h}\r\n\r\n`, [400]],
  'HTTP/01.1': [h => `GET /health HTTP/01.1\r\nHost: ${h}\r\n\r\n`, [400, 505]],
  'no version': [() => 'GET /health\r\n\r\n', [400]],
  'two spaces in the request line': [h => `GET  /health HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [400]],
  'a tab in the request line': [h => `GET\t/health HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [400]],
  'a space behind the version': [h => `GET /health HTTP/1.1 \r\nHost: ${h}\r\n\r\n`, [400]],
  'a control character in the target': [h => `GET /hea\x01lth HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [400]],
  'a whole URL as target': [h => `GET http://${h}/health HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [200]],
  'a whole URL of another host': [h => `GET http://evil.example/health HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [400, 403, 421]],
  'CONNECT': [h => `CONNECT ${h} HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [400, 404, 405, 501]],
  'TRACE': [h => `TRACE /health HTTP/1.1\r\nHost: ${h}\r\n\r\n`, [405, 501]],
  'an unknown expectation': [h => GET(h, 'Expect: the-unexpected\r\n'), [417]],
  'a coding that is not known': [h => POST(h, `Content-Encoding: br\r\nContent-Length: ${JSON_BODY.length}`, JSON_BODY), [415]],
  'a coding that is not what it says': [h => POST(h, `Content-Encoding: gzip\r\nContent-Length: ${JSON_BODY.length}`, JSON_BODY), [400, 415]],
  'a length and chunks': [h => POST(h, `Content-Length: 4\r\n${CHUNKED}`, `${chunk(JSON_BODY)}0\r\n\r\n`), [400]],
  'chunks and a length': [h => POST(h, `${CHUNKED}\r\nContent-Length: 4`, `${chunk(JSON_BODY)}0\r\n\r\n`), [400]],
  'chunked twice': [h => POST(h, 'Transfer-Encoding: chunked, chunked', `${chunk(JSON_BODY)}0\r\n\r\n`), [400, 501]],
  'chunked is not the last coding': [h => POST(h, 'Transfer-Encoding: chunked, identity', `${chunk(JSON_BODY)}0\r\n\r\n`), [400, 501]],
  'a coding that looks like chunked': [h => POST(h, 'Transfer-Encoding: xchunked', `${chunk(JSON_BODY)}0\r\n\r\n`), [400, 501]],
  'two codings in two fields': [h => POST(h, `${CHUNKED}\r\nTransfer-Encoding: identity`, `${chunk(JSON_BODY)}0\r\n\r\n`), [400, 501]],
  'chunks in HTTP/1.0': [h => `POST /workflows/noop/run HTTP/1.0\r\nHost: ${h}\r\n${CHUNKED}\r\n\r\n${chunk(JSON_BODY)}0\r\n\r\n`, [400]],
  'a length with a plus': [h => POST(h, `Content-Length: +${JSON_BODY.length}`, JSON_BODY), [400]],
  'a negative length': [h => POST(h, 'Content-Length: -1', JSON_BODY), [400]],
  'a length in hexadecimal': [h => POST(h, 'Content-Length: 0x8', JSON_BODY), [400]],
  'two lengths': [h => POST(h, `Content-Length: ${JSON_BODY.length}\r\nContent-Length: 4`, JSON_BODY), [400]],
  'a list of lengths': [h => POST(h, `Content-Length: ${JSON_BODY.length}, 4`, JSON_BODY), [400]],
  'an empty length': [h => POST(h, 'Content-Length: ', ''), [400]],
  'a length beyond 64 bits': [h => POST(h, 'Content-Length: 18446744073709551624', JSON_BODY), [400, 413]],
  'a chunk without its end': [h => POST(h, CHUNKED, `8\r\n${JSON_BODY}XX0\r\n\r\n`), [400]],
  'a chunk ended by LF': [h => POST(h, CHUNKED, `8\r\n${JSON_BODY}\n0\r\n\r\n`), [400]],
  'a chunk size ended by LF': [h => POST(h, CHUNKED, `8\n${JSON_BODY}\r\n0\r\n\r\n`), [400]],
  'LF in a chunk extension': [h => POST(h, CHUNKED, `8;a\nb\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400]],
  'a chunk size with 0x': [h => POST(h, CHUNKED, `0x8\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400]],
  'a space before a chunk size': [h => POST(h, CHUNKED, ` 8\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400]],
  'a negative chunk size': [h => POST(h, CHUNKED, `-8\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400]],
  'a chunk size beyond 64 bits': [h => POST(h, CHUNKED, `10000000000000008\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400, 413]],
  'an empty chunk size': [h => POST(h, CHUNKED, `\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400]],
  'a chunk extension of 1 MB': [h => POST(h, CHUNKED, `8;a=${'b'.repeat(1 << 20)}\r\n${JSON_BODY}\r\n0\r\n\r\n`), [400, 413, 431]],
  'trailers of 1 MB': [h => POST(h, CHUNKED, `${chunk(JSON_BODY)}0\r\nA: ${'b'.repeat(1 << 20)}\r\n\r\n`), [400, 413, 431]],
};

const strict = {
  name: 'requests that can be read in two ways',
  async attack(server) {
    const host = `127.0.0.1:${server.port}`, wrong = [];
    for (const [name, [bytes, right]] of Object.entries(INPUTS)) {
      const { answers } = await exchange(server, bytes(host) + (right.includes(200) ? '' : GET(host)), { count: 2, ms: 1000 });
      const got = answers[0]?.status ?? 'no answer';
      if (!right.includes(got)) wrong.push(`${name}: ${got}`);
      else if (got === 400 && answers.length > 1) wrong.push(`${name}: what came behind it was answered too`);
    }
    return { seen: `${Object.keys(INPUTS).length - wrong.length} of ${Object.keys(INPUTS).length} right`, wrong };
  },
};

const behindClose = {
  name: 'requests behind one that closes',
  async attack(server) {
    const bytes = request(server, 'GET', '/handlers?limit=5', { close: false }) + request(server, 'GET', '/health') + request(server, 'GET', '/health', { close: false });
    const wrong = [];
    let whole = 0;
    for (let i = 0; i < server.many(20) && server.alive; i++) {
      const { answers } = await exchange(server, bytes, { ms: 2000 });
      if (answers.length === 2 && answers.every(({ status }) => status === 200)) whole++;
      else wrong[0] = `of three requests, the second of which closes, were answered: ${tally(answers)}`;
    }
    return { seen: `${whole} connections right`, wrong };
  },
};

/** The debugger's largest file. */
async function largestAsset(server) {
  const page = await ask(server, 'GET', '/');
  const names = [...page.body.matchAll(/(?:src|href)="\.?(\/assets\/[^"]+)"/g)].map(([, name]) => name);
  const sizes = await Promise.all(names.map(async name => Number((await ask(server, 'HEAD', name)).headers['content-length'])));
  return names[sizes.indexOf(Math.max(...sizes))];
}

const unreadBehindClose = {
  name: 'unread files, then pairs of close and get',
  start: { key: 'secret' },
  seed: largestAsset,
  async attack(server, asset) {
    const key = server.key;
    server.key = undefined;
    const file = request(server, 'GET', asset, { close: false });
    const pair = request(server, 'GET', '/health') + request(server, 'GET', '/health', { close: false });
    const sockets = unread(server, server.many(20), file + file + pair.repeat(4));
    await new Promise(resolve => setTimeout(resolve, 500));
    for (const socket of sockets) socket.resume();
    await new Promise(resolve => setTimeout(resolve, 500));
    server.key = key;
    return { seen: `${sockets.length} connections`, wrong: [] };
  },
};

const pipelined = {
  name: '100 requests on one connection at once',
  async attack(server) {
    const { answers } = await exchange(server, request(server, 'GET', '/health', { close: false }).repeat(100), { count: 100, ms: 5000 });
    return { seen: tally(answers), wrong: answers.length === 100 ? [] : [`${answers.length} answers to 100 requests`] };
  },
};

/** The same numbers for the same seed. */
function random(seed) {
  let state = seed;
  return bound => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
}

const shuffled = {
  name: 'random pipelines in random pieces',
  seed: largestAsset,
  async attack(server, asset) {
    const below = random(7), keep = { close: false };
    const kinds = [() => request(server, 'GET', '/health', keep), () => request(server, 'HEAD', '/handlers', keep), () => request(server, 'GET', '/nope', keep),
      () => request(server, 'POST', '/workflows/greet/run', { ...keep, body: '{"start_event":{}}' }), () => request(server, 'GET', asset, keep),
      () => request(server, 'GET', '/handlers?limit=5', keep), () => request(server, 'GET', '/ui/stream?list=true', keep), () => request(server, 'GET', '/health'),
      () => request(server, 'POST', '/workflows/noop/run', { ...keep, body: '{' }), () => 'BROKEN\r\n\r\n', () => request(server, 'OPTIONS', '/health', keep)];
    const one = async () => {
      const bytes = Array.from({ length: 1 + below(8) }, () => kinds[below(kinds.length)]()).join('');
      const socket = connect(server);
      if (below(2)) socket.pause();
      for (let at = 0; at < bytes.length && !socket.destroyed; ) {
        const size = 1 + below(bytes.length);
        socket.write(bytes.slice(at, at + size));
        at += size;
        await new Promise(resolve => setTimeout(resolve, below(3)));
      }
      await new Promise(resolve => setTimeout(resolve, below(30)));
      below(2) ? socket.destroy() : socket.resetAndDestroy();
    };
    const rounds = server.many(40);
    for (let round = 0; round < rounds && server.alive; round++) await Promise.all(Array.from({ length: 25 }, one));
    return { seen: `${rounds * 25} connections`, wrong: [] };
  },
};

export default [behindClose, unreadBehindClose, pipelined, shuffled, strict];
