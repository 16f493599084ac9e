// Small requests that make much work, and work that nobody waits for.
import { ask, ended, request, tally, unread } from './peer.mjs';
import { manyHandlers } from './rows.mjs';

const run = body => ({ body });
/** A body of one kind for a workflow that gives it back. Any answer is right, if it comes, and if others are answered. */
function parsed(name, make, right = [200, 400, 413, 422]) {
  return {
    name, grows_mb: 384,
    async attack(server) {
      const answer = await ask(server, 'POST', '/workflows/echo/run', { ...run(make(server)), ms: 20000 });
      return { seen: `${answer.status} ${answer.status === 200 ? '' : answer.body.slice(0, 60)}`, wrong: right.includes(answer.status) ? [] : [`answered ${answer.status || 'nothing'}`] };
    },
  };
}
const object = (count, entry) => `{"start_event":{${Array.from({ length: count }, (_, i) => entry(i)).join(',')}}}`;
const bodies = [
  parsed('an object of 100,000 members', server => object(server.many(100000), i => `"k${i}":1`)),
  parsed('one name 200,000 times', server => object(server.many(200000), () => '"k":1')),
  parsed('20,000 objects of 20 members', server => `{"start_event":{"a":[${Array(server.many(20000)).fill(object(20, i => `"k${i}":1`)).join(',')}]}}`),
  parsed('a list of 2,000,000 numbers', server => `{"start_event":{"a":[${'0,'.repeat(server.many(2000000))}0]}}`),
  parsed('a number of 1,000,000 digits', server => `{"start_event":{"a":1${'0'.repeat(server.many(1000000))}}}`),
  parsed('a fraction of 1,000,000 digits', server => `{"start_event":{"a":0.${'1'.repeat(server.many(1000000))}e-1}}`),
  parsed('a text of 1,000,000 escapes', server => `{"start_event":{"a":"${'\\ud83d\\ude00'.repeat(server.many(500000))}"}}`),
  parsed('nested 100,000 deep', server => `{"start_event":${'{"a":'.repeat(server.many(100000))}1${'}'.repeat(server.many(100000))}}`),
  parsed('10,000 lists of 250 levels', server => `{"start_event":{"a":[${Array(server.many(10000)).fill('['.repeat(200) + ']'.repeat(200)).join(',')}]}}`),
  parsed('names of 100,000 members that differ at their ends', server => object(server.many(20000), i => `"${'k'.repeat(200)}${i}":1`)),
];

/** Requests of one kind that are dropped after a moment; then others' requests are answered soon, and SIGTERM works. */
function abandoned(name, { start = {}, seed, paths, count = 64, grows_mb = 128 }) {
  return {
    name, start, seed, grows_mb,
    async attack(server, id) {
      const all = paths(id);
      unread(server, server.many(count), i => request(server, 'GET', all[i % all.length], { close: false }));
      await server.moment(1000);
      server.dropSockets();
      const answer = await ask(server, 'GET', '/handlers?limit=5', { ms: 3000 });
      return { seen: `then a page: ${answer.status || 'none'}`, wrong: answer.status === 200 ? [] : ['a page of handlers is not answered within 3 s afterwards'] };
    },
  };
}
const stored = { store: 'sqlite' };
const searches = [
  abandoned('pages that end at sequence 2^63-1', { seed: server => ended(server, 'stream1000'),
    paths: id => [`/events/${id}?stream=false&before_sequence=9223372036854775807`, `/events/${id}?stream=false&before_sequence=4611686018427387904&type=nothing`] }),
  abandoned('200 searches of 100,000 handlers', { start: stored, seed: server => manyHandlers(server, server.many(100000)), count: 200,
    paths: () => ['/handlers?limit=1000&q=zzzzz', '/handlers?limit=10&q=yyy&order=oldest'] }),
  abandoned('200 searches of 100,000 events', { seed: server => ended(server, 'stream1000', { n: server.many(100000) }), count: 200,
    paths: id => [`/events/${id}?stream=false&q=zzzzz`, `/events/${id}?stream=false&step=nothing&before_sequence=99999999`] }),
  abandoned('200 statistics of 100,000 handlers', { start: stored, seed: server => manyHandlers(server, server.many(100000)), count: 200,
    paths: () => ['/workflows/noop/stats', '/workflows/noop/stats?since=9999d'] }),
];

/** Numbers, names and parameters at their ends: an answer each, and none that is a fault of the server. */
const edges = {
  name: 'parameters at their ends',
  seed: server => ended(server, 'stream1000'),
  async attack(server, id) {
    const numbers = ['9223372036854775807', '-9223372036854775808', '9223372036854775808', '1e30', '9'.repeat(5000), '-0', '%00', '', '%F0%9F%98%80', 'nan'];
    const paths = numbers.flatMap(number => [`/events/${id}?stream=false&after_sequence=${number}`, `/events/${id}?stream=false&before_sequence=${number}`,
      `/events/${id}?stream=false&after_sequence=-1&before_sequence=${number}&limit=1000`, `/events/${id}?stream=false&limit=${number}`, `/handlers?limit=${number}`,
      `/handlers?cursor=${number}`, `/handlers?limit=5&since=${number}`, `/handlers?limit=5&until=${number}d`, `/handlers?limit=5&since=${number}w`, `/workflows/noop/stats?since=${number}d`]);
    paths.push('//health', '/health/', '/../health', '/%2e%2e/health', '/health%00', '/%', '/%zz', '/%c0%ae', `/handlers/${'%2F'.repeat(20000)}`, `/${'/'.repeat(50000)}`,
      `/handlers?${'status=running&'.repeat(8000)}`, `/handlers?${'workflow_name=a&'.repeat(7000)}limit=5`, `/handlers?${'&'.repeat(100000)}`);
    const wrong = [], answers = [];
    for (const path of paths) {
      const answer = await ask(server, 'GET', path, { ms: 3000 });
      answers.push(answer);
      if (answer.status === 0 || answer.status >= 500) wrong.push(`${path.slice(0, 80)}: ${answer.status || 'no answer'}`);
    }
    return { seen: tally(answers), wrong };
  },
};

const heads = {
  name: 'heads of 900 fields and 250 KB, 200 times',
  async attack(server) {
    const fields = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i}`, 'v'.repeat(240)]));
    const repeated = { 'access-control-request-headers': 'x'.repeat(200000), 'access-control-request-method': 'GET', origin: `http://127.0.0.1:${server.port}` };
    const ranges = { range: `bytes=${'0-1,'.repeat(30000)}0-1`, 'if-none-match': '"a",'.repeat(20000), 'accept-encoding': 'gzip;q=0,'.repeat(2000) };
    const kinds = [['GET', '/health', fields], ['OPTIONS', '/health', repeated], ['GET', '/licenses.txt', ranges]];
    const answers = await Promise.all(Array.from({ length: server.many(200) }, (_, i) => ask(server, ...kinds[i % 3].slice(0, 2), { headers: kinds[i % 3][2], ms: 8000 })));
    return { seen: tally(answers), wrong: answers.some(({ status }) => status === 0) ? [`not all were answered: ${tally(answers)}`] : [] };
  },
};

const smallChunks = {
  name: '200,000 chunks of one byte',
  async attack(server) {
    const body = `1\r\n \r\n`.repeat(server.many(200000)) + '2\r\n{}\r\n0\r\n\r\n';
    const answer = await ask(server, 'POST', '/workflows/noop/run', { headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' }, body, ms: 15000 });
    return { seen: `${answer.status}`, wrong: [200, 400, 413].includes(answer.status) ? [] : [`answered ${answer.status || 'nothing'}`] };
  },
};

const endless = {
  name: 'twenty runs that never stop working', grows_mb: 256,
  start: { env: { WEIR_LEDGER: '/dev/null' } },
  async attack(server) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(server, 'POST', '/workflows/loop/run-nowait', { body: '{"start_event":{"turns":1000000000}}' })));
    await server.moment(2000);
    const other = await ask(server, 'POST', '/workflows/noop/run', { body: '{"start_event":{}}', ms: 3000 });
    return { seen: `${tally(answers)}, another run ${other.status}`, wrong: other.status === 200 ? [] : ['another run is not done within 3 s'] };
  },
};

const oneKey = {
  name: '2,000 requests with one idempotency key', grows_mb: 64,
  async attack(server) {
    const headers = { 'idempotency-key': 'k' }, body = '{"start_event":{"seconds":1}}';
    const answers = await Promise.all(Array.from({ length: server.many(2000) }, () => ask(server, 'POST', '/workflows/slow/run', { headers, body, ms: 10000 })));
    return { seen: tally(answers), wrong: answers.some(({ status }) => status !== 200 && status !== 409 && status !== 429 && status !== 503) ? [tally(answers)] : [] };
  },
};

const nobodyTakes = {
  name: '5,000 events that nobody takes', grows_mb: 64,
  async seed(server) { return JSON.parse((await ask(server, 'POST', '/workflows/hitl_forever/run-nowait', { body: '{}' })).body).handler_id; },
  async attack(server, id) {
    const body = JSON.stringify({ event: { type: 'Ask', value: { prefix: 'x'.repeat(1000) } } }), answers = [];
    for (let i = 0; i < server.many(100); i++)
      answers.push(...await Promise.all(Array.from({ length: 50 }, () => ask(server, 'POST', `/events/${id}`, { body }))));
    const answer = await ask(server, 'POST', `/events/${id}`, { body: '{"event":{"type":"Answer","value":{"response":"yes"}}}' });
    const wrong = answer.status === 200 ? [] : [`the answer that it waits for: ${answer.status}`];
    if (answers.some(({ status }) => ![200, 409, 429, 503].includes(status))) wrong.push(tally(answers));
    return { seen: `${tally(answers)}; the answer ${answer.status}`, wrong };
  },
};

export default [...bodies, ...searches, edges, heads, smallChunks, endless, oneKey, nobodyTakes];
