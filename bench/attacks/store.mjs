// A store that does not answer for a while: somebody else holds its lock, or nothing more can be written.
import { execFileSync, spawn } from 'node:child_process';
import { ask, ended, fill, pause, request, tally, unread } from './peer.mjs';

/** Holds SQLite's write lock until the function that it resolves to is called. */
function lock(server) {
  const shell = spawn('sqlite3', [server.file], { stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    shell.on('error', reject);
    shell.stdout.once('data', () => resolve(() => new Promise(gone => {
      shell.on('close', gone);
      shell.stdin.end('rollback;\n');
    })));
    shell.stdin.write('.timeout 5000\nbegin immediate;\nselect 1;\n');
  });
}

/** Runs that work for a second; those whose start was acknowledged. */
async function startSlow(server, count) {
  const ids = Array.from({ length: count }, (_, i) => `slow${i}`);
  const body = id => JSON.stringify({ handler_id: id, start_event: { seconds: 1 } });
  const answers = await Promise.all(ids.map(id => ask(server, 'POST', '/workflows/slow/run-nowait', { body: body(id) })));
  return ids.filter((_, i) => answers[i].status === 200);
}

/** The statuses of runs when none is running any more, or after the patience. */
async function statuses(server, ids, ms = 15000) {
  for (const until = performance.now() + ms * server.patience; ;) {
    const found = await Promise.all(ids.map(async id => {
      const { status, body } = await ask(server, 'GET', `/handlers/${id}`);
      try { return JSON.parse(body).status ?? (status === 404 ? 'gone' : 'none'); } catch { return 'none'; }
    }));
    if (performance.now() > until || !(found.includes('running') || found.includes('none'))) return found;
    await pause(100);
  }
}

/** What is promised while the store cannot be written. */
async function whileItFails(server, wrong) {
  const begin = performance.now();
  const start = await ask(server, 'POST', '/workflows/noop/run-nowait', { body: '{}', ms: 3000 });
  const took = Math.round(performance.now() - begin);
  if (start.status !== 503) wrong.push(`a start: ${start.status || `no answer within ${took} ms`}, right is 503`);
  else if (!start.headers['retry-after']) wrong.push('503 without Retry-After');
  for (const [path, right] of [['/health', 200], ['/health/live', 200], ['/health/ready', 503]]) {
    const { status } = await ask(server, 'GET', path, { ms: 1000 });
    if (status !== right) wrong.push(`${path}: ${status || 'no answer'}, right is ${right}`);
  }
}

async function afterwards(server, ids, wrong) {
  const found = await statuses(server, ids);
  const lost = found.filter(status => status !== 'completed');
  if (lost.length) wrong.push(`${lost.length} of ${found.length} runs that were at work are ${[...new Set(lost)].join(', ')}`);
  let ready = await ask(server, 'GET', '/health/ready');
  for (const until = performance.now() + 5000 * server.patience; ready.status === 503 && performance.now() < until; ready = await ask(server, 'GET', '/health/ready'))
    await pause(50);
  if (ready.status !== 200) wrong.push(`/health/ready afterwards: ${ready.status}`);
}

const readersUnderLock = {
  name: 'streams that are opened while somebody locks the file',
  start: { store: 'sqlite' },
  seed: async server => [await ended(server, 'stream1000'), await ended(server, 'stream1000')],
  async attack(server, ids) {
    const release = await lock(server);
    const asked = ids.map(id => ask(server, 'GET', `/events/${id}`, { ms: 8000 }));
    const listed = await ask(server, 'GET', '/handlers?limit=5', { ms: 2000 });
    await pause(3500);
    await release();
    const answers = await Promise.all(asked);
    return { seen: `${tally(answers)}; a page ${listed.status}`, wrong: listed.status === 200 ? [] : [`a page of handlers: ${listed.status || 'no answer'}`] };
  },
};

function runsUnderLock(name, args) {
  return {
    name,
    start: { store: 'sqlite', args },
    async attack(server) {
      const wrong = [], ids = await startSlow(server, 20);
      const release = await lock(server);
      await pause(1500);
      await whileItFails(server, wrong);
      await pause(3000);
      await release();
      await afterwards(server, ids, wrong);
      const lines = server.log.match(/^weir: (error|warning)/gm)?.length ?? 0;
      if (lines > 4) wrong.push(`${lines} warnings and errors in the log for one outage`);
      return { seen: `${lines} lines in the log`, wrong };
    },
  };
}

const manyStarts = {
  name: '500 starts, events and cancels while somebody locks the file', grows_mb: 64,
  start: { store: 'sqlite' },
  async seed(server) { return JSON.parse((await ask(server, 'POST', '/workflows/hitl_forever/run-nowait', { body: '{}' })).body).handler_id; },
  async attack(server, id) {
    const release = await lock(server);
    const kinds = [['/workflows/noop/run', '{}'], ['/workflows/noop/run-nowait', '{}'], [`/events/${id}`, '{"event":{"type":"Ask","value":{"prefix":"?"}}}'], ['/handlers/none/cancel', '']];
    const asked = Array.from({ length: server.many(500) }, (_, i) => ask(server, 'POST', kinds[i % 4][0], { body: kinds[i % 4][1], ms: 4000 }));
    const answers = await Promise.all(asked);
    await release();
    const none = answers.filter(({ status }) => status === 0).length;
    return { seen: tally(answers), wrong: none ? [`${none} of ${answers.length} were not answered within 4 s`] : [] };
  },
};

const endUnderLock = {
  name: 'SIGTERM while somebody locks the file',
  start: { store: 'sqlite' },
  async attack(server) {
    await startSlow(server, 20);
    const release = await lock(server);
    unread(server, 20, request(server, 'POST', '/workflows/noop/run', { body: '{}', close: false }));
    await pause(500);
    const { ms, code } = await server.terminate();
    await release();
    return { seen: `ended after ${ms} ms`, wrong: code !== 0 ? [`SIGTERM: ${ms === Infinity ? 'does not end it' : code}`] : [], end_ms: ms };
  },
};

const full = {
  name: 'nothing more can be written', grows_mb: 64,
  start: { store: 'sqlite', file_kb: 3000 },
  async attack(server) {
    const wrong = [], ids = await startSlow(server, 20), answers = [];
    for (let i = 0; i < 40 && !answers.some(({ status }) => status !== 200); i++)
      answers.push(await ask(server, 'POST', '/workflows/stream1000/run', { body: '{"start_event":{}}', ms: 2000 }));
    const limit = size => execFileSync('prlimit', ['--pid', String(server.process.pid), `--fsize=${size}`]);
    limit('1:');  // a write-ahead log that begins again would find room
    await pause(1500);
    await whileItFails(server, wrong);
    limit('unlimited');
    await afterwards(server, ids, wrong);
    return { seen: tally(answers), wrong };
  },
};

const searchedUnderLoad = {
  name: 'the list again and again beside 2,000 stored runs that begin', grows_mb: 128,
  start: { store: 'sqlite', args: ['--sync', 'normal'] },
  async attack(server) {
    let asking = true;
    const lists = Array.from({ length: 2 }, async () => { while (asking) await ask(server, 'GET', '/handlers'); });
    await fill(server, 'noop', server.many(2000));
    asking = false;
    await Promise.all(lists);
    return { seen: '', wrong: [] };
  },
};

/** Somebody reads the file for long, which keeps the write-ahead log from beginning anew: how many runs are made meanwhile and afterwards? */
const readTransaction = {
  name: 'somebody else reads the file for 6 s', grows_mb: 64,
  start: { store: 'sqlite', args: ['--sync', 'normal'] },
  async attack(server) {
    const rate = async ms => {
      let count = 0;
      const until = performance.now() + ms;
      const one = async () => { while (performance.now() < until) if ((await ask(server, 'POST', '/workflows/noop/run', { body: '{"start_event":{}}' })).status === 200) count++; };
      await Promise.all(Array.from({ length: 8 }, one));
      return Math.round(count / ms * 1000);
    };
    const before = await rate(server.many(3000));
    const reader = spawn('sqlite3', [server.file], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise(resolve => { reader.stdout.once('data', resolve); reader.stdin.write('begin;\nselect count(*) from handlers;\n'); });
    const held = await rate(server.many(6000));
    await new Promise(gone => { reader.on('close', gone); reader.stdin.end('rollback;\n'); });
    const after = await rate(server.many(3000));
    const seen = `${before} runs a second before, ${held} meanwhile, ${after} afterwards`;
    return { seen, wrong: server.scale === 1 && Math.min(held, after) < before / 2 ? [seen] : [] };
  },
};

export default [readersUnderLock, runsUnderLock('runs at work while somebody locks the file', []),
  runsUnderLock('pipelined runs at work while somebody locks the file', ['--durability', 'pipelined']), manyStarts, endUnderLock, full, searchedUnderLoad, readTransaction];
