// Requests that ask for much and do not read, or bring much that nobody wants. `grows_mb` is what the server may need meanwhile.
import { ask, connect, ended, request, tally, unread } from './peer.mjs';
import { manyHandlers } from './rows.mjs';

const MB = 1 << 20;

/** What others ask for while nobody reads: a run, a page of the list, a small answer from the store. */
async function meanwhile(server, id = 'nobody') {
  const answers = await Promise.all([ask(server, 'POST', '/workflows/noop/run', { body: '{}' }), ask(server, 'GET', '/handlers?limit=5'),
    ask(server, 'GET', `/handlers/${id}/state`)]);
  const right = [[200], [200], [200, 404]], names = ['a run', 'a page of handlers', 'a state'];
  const wrong = answers.flatMap(({ status }, i) => (right[i].includes(status) ? [] : [`${names[i]} meanwhile: ${status || 'no answer'}`]));
  return { seen: `meanwhile ${tally(answers)}`, wrong };
}

/** Sends as the server takes it; resolves to the first answer's status, 0 when none came in time. */
function push(server, head, body, ms = 8000) {
  return new Promise(resolve => {
    const socket = connect(server);
    let status = 0;
    const timer = setTimeout(() => socket.destroy(), ms * server.patience);
    socket.on('data', piece => { status ||= Number(piece.toString('latin1', 9, 12)); socket.destroy(); });
    socket.on('close', () => { clearTimeout(timer); resolve({ status }); });
    socket.write(head);
    socket.write(body);
  });
}

/** Bodies that are never complete, so that what was read stays in memory as long as the server lets it. */
function bodies(name, { start = {}, path, method = 'POST', right, count = 60, header = `content-length: ${16 * MB}`, headers = {}, grows_mb = 48 }) {
  return {
    name, start, grows_mb,
    async attack(server) {
      const key = server.key;
      if (start.key) server.key = undefined;
      const body = Buffer.alloc(Math.round(8 * MB * Math.min(1, server.scale * 4)), 'x');
      const head = request(server, method, path, { close: false, headers: { 'content-length': undefined, ...headers } }).replace('\r\n\r\n', `\r\n${header}\r\n\r\n`);
      const sent = header.includes('chunked') ? Buffer.concat([Buffer.from(`${(16 * MB).toString(16)}\r\n`), body]) : body;
      const answers = await Promise.all(Array.from({ length: server.many(count) }, () => push(server, head, sent)));
      server.key = key;
      const wrong = right && answers.some(({ status }) => !right.includes(status)) ? [`answered ${tally(answers)}, right is ${right.join(' or ')}`] : [];
      return { seen: tally(answers), wrong };
    },
  };
}

const repeatedRuns = {
  name: 'one run 2,000 times on a tab stream', grows_mb: 64,
  seed: server => ended(server, 'stream1000'),
  async attack(server, id) {
    unread(server, 1, request(server, 'GET', `/ui/stream?${`run=${id}:-1&`.repeat(server.many(2000))}`, { close: false }));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const manyRuns = {
  name: '1,000 different runs on each of four tab streams', grows_mb: 96,
  async seed(server) {
    const ids = [];
    for (let i = 0; i < server.many(1000); i++) ids.push(await ended(server, 'stream1000', { n: 200 }, `run${i}`));
    return ids;
  },
  async attack(server, ids) {
    unread(server, 4, request(server, 'GET', `/ui/stream?${ids.map(id => `run=${id}:-1`).join('&')}`, { close: false }));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const list = {
  name: 'the list of 100,000 handlers, 20 times, unread', grows_mb: 64,
  start: { store: 'sqlite' },
  seed: server => manyHandlers(server, server.many(100000)),
  async attack(server) {
    unread(server, 20, request(server, 'GET', '/handlers', { close: false }));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const listRead = {
  name: 'the list of 100,000 handlers, read', grows_mb: 64,
  start: { store: 'sqlite' },
  seed: server => manyHandlers(server, server.many(100000)),
  async attack(server) {
    const answers = await Promise.all(Array.from({ length: 2 }, () => ask(server, 'GET', '/handlers', { ms: 20000 })));
    const counts = answers.map(({ status, body }) => (status === 200 ? JSON.parse(body).handlers.length : 0));
    const right = server.many(100000) + 1;
    return { seen: `${counts} handlers`, wrong: counts.some(count => count !== right) ? [`lists of ${counts} handlers, right is ${right}`] : [] };
  },
};

const largeResults = {
  name: 'a result of 8 MB, 40 times, unread', grows_mb: 64,
  seed: server => ended(server, 'echo', { text: 'x'.repeat(server.many(8 * MB)) }),
  async attack(server, id) {
    unread(server, 40, i => request(server, 'GET', [`/handlers/${id}`, `/results/${id}`, `/handlers/${id}?detail=true`, `/handlers/${id}/export`][i % 4], { close: false }));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const pages = {
  name: 'pages of 1,000 large events, 40 times, unread', grows_mb: 96,
  seed: server => ended(server, 'stream1000', { n: 50000 }),
  async attack(server, id) {
    unread(server, server.many(40), request(server, 'GET', `/events/${id}?stream=false&limit=1000&include_internal=true`, { close: false }).repeat(8));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const files = {
  name: 'files of the debugger, 400 times, unread', grows_mb: 64,
  async seed(server) { return /src="\.?(\/assets\/[^"]+)"/.exec((await ask(server, 'GET', '/')).body)[1]; },
  async attack(server, asset) {
    unread(server, server.many(400), request(server, 'GET', asset, { close: false }).repeat(4));
    await server.moment(3000);
    return meanwhile(server);
  },
};

/** Clients that take a little of their answers now and then, so that no time-out ends them. */
const trickle = {
  name: '600 large answers that are read very slowly', grows_mb: 128,
  start: { store: 'sqlite' },
  async seed(server) {
    await manyHandlers(server, server.many(50000));
    return /src="\.?(\/assets\/[^"]+)"/.exec((await ask(server, 'GET', '/')).body)[1];
  },
  async attack(server, asset) {
    const sockets = unread(server, server.many(600), i => request(server, 'GET', i % 2 ? '/handlers' : asset, { close: false }).repeat(8));
    const sipping = setInterval(() => { for (const socket of sockets) { socket.resume(); setImmediate(() => socket.pause()); } }, 1000);
    await server.moment(4000);
    const result = await meanwhile(server);
    const page = await ask(server, 'GET', asset);
    clearInterval(sipping);
    return { ...result, seen: `${result.seen}; the debugger's page ${page.status}` };
  },
};

const pipelines = {
  name: '2,000 pipelined requests on each of 50 connections, unread', grows_mb: 64,
  async attack(server) {
    unread(server, server.many(50), request(server, 'GET', '/openapi.json', { close: false }).repeat(2000));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const streams = {
  name: '1,000 streams of a finished run at once, unread', grows_mb: 128,
  seed: server => ended(server, 'stream1000', { n: 5000 }),
  async attack(server, id) {
    unread(server, server.many(1000), request(server, 'GET', `/events/${id}?after_sequence=-1`, { close: false }));
    await server.moment(3000);
    return meanwhile(server);
  },
};

const liveStreams = {
  name: '1,000 unread streams of a run that writes', grows_mb: 192,
  async seed(server) {
    const { body } = await ask(server, 'POST', '/workflows/gated_stream/run-nowait', { body: '{"start_event":{"n":20000}}' });
    return JSON.parse(body).handler_id;
  },
  async attack(server, id) {
    unread(server, server.many(1000), request(server, 'GET', `/events/${id}?after_sequence=-1&include_internal=true`, { close: false }));
    await server.moment(500);
    const { status } = await ask(server, 'POST', `/events/${id}`, { body: '{"event":{"type":"HumanResponseEvent","value":{}}}' });
    await server.moment(2500);
    return { seen: `event ${status}`, wrong: status === 200 ? [] : [`the event that goes on with it: ${status}`] };
  },
};

const purged = {
  name: 'a run of 600,000 events, purged', grows_mb: 384, returns_mb: 32,
  async attack(server) {
    const id = await ended(server, 'stream1000', { n: server.many(600000) });
    const { status } = await ask(server, 'POST', `/handlers/${id}/cancel?purge=true`, { ms: 20000 });
    await server.moment(5000);
    return { seen: `purged: ${status}`, wrong: status === 200 ? [] : [`purged: ${status || 'no answer'}`] };
  },
};

/** Steps of the server itself, which do not think of others. */
const flood = {
  name: 'a step that writes 1,000,000 events of 200 bytes into a durable run', grows_mb: 96,
  start: { name: 'weir-unruly-server', store: 'sqlite' },
  async attack(server) {
    const count = server.many(1000000);
    const { status, body } = await ask(server, 'POST', '/workflows/flood/run', { body: JSON.stringify({ start_event: { count } }), ms: 240000 });
    const last = status === 200 ? JSON.parse((await ask(server, 'GET', `/handlers/${JSON.parse(body).handler_id}?detail=true`)).body).last_sequence : -1;
    return { seen: `${count} events, the last is ${last}`, wrong: last > count ? [] : [`a run whose last event is ${last} after ${count}: ${status}`] };
  },
};

const rally = {
  name: 'two steps that send to each other for ever', grows_mb: 160, returns_mb: 64,
  start: { name: 'weir-unruly-server' },
  async attack(server) {
    const ids = [];
    for (let i = 0; i < 2; i++) ids.push(JSON.parse((await ask(server, 'POST', '/workflows/rally/run-nowait', { body: '{"start_event":{}}' })).body).handler_id);
    await server.moment(5000);
    const other = await ask(server, 'POST', '/workflows/bystander/run', { body: '{}' });
    const cancelled = await Promise.all(ids.map(id => ask(server, 'POST', `/handlers/${id}/cancel?purge=true`)));
    await server.moment(3000);
    return { seen: `another run meanwhile ${other.status}`,
      wrong: [other, ...cancelled].some(({ status }) => status !== 200) ? [`another run: ${other.status}, cancels ${tally(cancelled)}`] : [] };
  },
};

/** What is bounded over all connections is full: small requests go on meanwhile, and large ones afterwards. */
function budget(name, { count, bytes, grows_mb }) {
  return {
    name, grows_mb,
    async attack(server) {
      const sockets = unread(server, server.many(count), bytes(server)), wrong = [];
      await server.moment(2000);
      const post = size => ask(server, 'POST', '/workflows/echo/run', { body: JSON.stringify({ start_event: { text: 'x'.repeat(size) } }) });
      const small = await post(4000), large = await post(500000);
      if (small.status !== 200) wrong.push(`a body of 4 KB meanwhile: ${small.status || 'no answer'}`);
      if (![200, 503].includes(large.status)) wrong.push(`a body of 500 KB meanwhile: ${large.status || 'no answer'}`);
      server.dropSockets();
      const until = performance.now() + 5000 * server.patience;
      let after = await post(500000);
      while (after.status !== 200 && performance.now() < until) after = await post(500000);
      if (after.status !== 200) wrong.push(`a body of 500 KB afterwards: ${after.status || 'no answer'}`);
      return { seen: `${sockets.length} connections; 500 KB meanwhile: ${large.status}`, wrong };
    },
  };
}

const CHUNKED = 'transfer-encoding: chunked', key = 'secret';
export default [repeatedRuns, manyRuns, list, listRead, largeResults, pages, files, trickle, pipelines, streams, liveStreams, purged, flood, rally,
  bodies('bodies without the key', { start: { key }, path: '/workflows/echo/run', right: [401] }),
  bodies('chunked bodies without the key', { start: { key }, path: '/workflows/echo/run', right: [401], header: CHUNKED }),
  bodies('bodies for a route that is none', { path: '/nowhere', right: [404, 405] }),
  bodies('bodies for a method that is none', { path: '/handlers', method: 'PUT', right: [405] }),
  bodies('bodies with a health check', { path: '/health', method: 'GET', grows_mb: 320 }),
  bodies('bodies from a page elsewhere', { path: '/workflows/echo/run', right: [403], headers: { origin: 'https://evil.example' } }),
  bodies('bodies on 100 connections at once', { path: '/workflows/echo/run', count: 100, grows_mb: 320 }),
  budget('bodies of 16 MB whose last byte never comes', { count: 24, grows_mb: 320,
    bytes: server => request(server, 'POST', '/workflows/echo/run', { headers: { 'content-length': 16 * MB } }) + 'x'.repeat(16 * MB - 1) }),
  budget('heads of 250 KB that never end', { count: 400, grows_mb: 128, bytes: server => request(server, 'GET', '/health').replace(/\r\n$/, `a: ${'x'.repeat(250000)}`) })];
