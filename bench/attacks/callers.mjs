// Who asks, under which name, and texts that are meant for a terminal, a log or another route.
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { ask, ended, exchange, request } from './peer.mjs';

const START = '{"start_event":{"name":"x"}}';

/** Requests that a visitor's browser would send for a page elsewhere, or under a name that was made to lead here. */
const pagesElsewhere = {
  name: 'pages of other origins, and names that lead here',
  start: { name: 'weir-examples' },
  async attack(server) {
    const own = `127.0.0.1:${server.port}`, local = `localhost:${server.port}`, wrong = [];
    const foreign = ['https://evil.example', 'null', `http://127.0.0.1.evil.example:${server.port}`, `http://localhost.evil.example:${server.port}`, 'file://',
      'chrome-extension://abcdef', `http://${own}@evil.example`, 'http://evil.example#127.0.0.1', `http://[::1].evil.example:${server.port}`];
    const names = ['evil.example', `evil.example:${server.port}`, `127.0.0.1.evil.example:${server.port}`, 'localhost.evil.example', `${own}.evil.example`, '127.0.0.1.nip.io'];
    const check = async (what, right, method, path, headers, body) => {
      const answer = await ask(server, method, path, { headers, body });
      if (!right.includes(answer.status)) wrong.push(`${what}: ${method} ${path} ${answer.status || 'no answer'}`);
      return answer;
    };
    for (const origin of foreign) {
      await check(`Origin ${origin}`, [403, 421], 'POST', '/workflows/triage/run', { origin, 'content-type': 'text/plain' }, '{"start_event":{"path":"/etc"}}');
      await check(`Origin ${origin}`, [403, 421], 'GET', '/handlers', { origin });
      const preflight = await ask(server, 'OPTIONS', '/handlers', { headers: { origin, 'access-control-request-method': 'POST' } });
      if (preflight.headers['access-control-allow-origin']) wrong.push(`Origin ${origin}: its preflight is allowed`);
    }
    for (const host of names) {
      await check(`Host ${host}`, [400, 403, 421], 'GET', '/handlers', { host });
      await check(`Host and Origin ${host}`, [400, 403, 421], 'POST', '/workflows/greeting/run', { host, origin: `http://${host}` }, START);
    }
    await check('a picture elsewhere', [403], 'GET', '/handlers', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' });
    const twice = await exchange(server, request(server, 'GET', '/handlers', { headers: { origin: `http://${own}\r\nOrigin: https://evil.example` } }), { count: 1 });
    if (![400, 403].includes(twice.answers[0]?.status)) wrong.push(`two Origins: ${twice.answers[0]?.status}`);
    for (const [host, origin] of [[own, undefined], [own, `http://${own}`], [local, `http://${local}`], [`LOCALHOST:${server.port}`, undefined], ['127.0.0.1', undefined]])
      await check(`own: Host ${host}, Origin ${origin}`, [200], 'POST', '/workflows/greeting/run', { host, origin }, START);
    return { seen: `${foreign.length} origins, ${names.length} names`, wrong };
  },
};

const anyOrigin = {
  name: 'pages of any origin where those are allowed',
  start: { env: { WEIR_ALLOW_ORIGIN: '*' } },
  async attack(server) {
    const wrong = [], origin = 'https://app.example';
    const json = await ask(server, 'POST', '/workflows/noop/run', { headers: { origin }, body: '{}' });
    if (json.status !== 200) wrong.push(`JSON from it: ${json.status}`);
    if (json.headers['access-control-allow-credentials'] === 'true') wrong.push('credentials are allowed with any origin');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain; application/json', undefined]) {
      const { status } = await ask(server, 'POST', '/workflows/noop/run', { headers: { origin, 'content-type': type }, body: '{}' });
      if (![400, 403, 415].includes(status)) wrong.push(`${type} from it: ${status}`);
    }
    return { seen: '', wrong };
  },
};

const ids = {
  name: 'handler ids that no route can name',
  async attack(server) {
    const wrong = [];
    const refused = ['.', '..', 'x'.repeat(201), 'x'.repeat(1 << 20)];
    const either = ['a/b', '/', '../health', 'a?b', 'a#b', '%2F', 'a\0b', 'a\nb', '\u001b[31m', ' ', 'a b', '\u202e', 'ä', '\ud83d\ude00', 'a;b', 'a+b', '"', 'x'.repeat(200)];
    const start = id => ask(server, 'POST', '/workflows/noop/run', { body: JSON.stringify({ handler_id: id }) });
    for (const id of refused) {
      const { status } = await start(id);
      if (![400, 422].includes(status)) wrong.push(`${JSON.stringify(id.slice(0, 5))} of ${id.length}: ${status}`);
    }
    for (const id of either) {
      if ((await start(id)).status !== 200) continue;
      const { status } = await ask(server, 'GET', `/handlers/${encodeURIComponent(id)}`);
      if (status !== 200) wrong.push(`${JSON.stringify(id).slice(0, 20)}: started, then ${status}`);
    }
    return { seen: `${refused.length + either.length} ids`, wrong };
  },
};

const stateOfFork = {
  name: 'a fork that brings a state where contexts are off',
  start: { store: 'sqlite' },
  seed: server => ended(server, 'counter'),
  async attack(server, id) {
    const { status, body } = await ask(server, 'POST', `/handlers/${id}/rerun`, { body: '{"from_sequence":0,"state":{"n":1000}}' });
    return { seen: `${status} ${body.slice(0, 80)}`, wrong: [400, 403].includes(status) ? [] : [`answered ${status}`] };
  },
};

const command = (server, args, env) => new Promise(resolve => {
  const child = execFile(server.built('weir'), args, { env: { ...process.env, WEIR_SERVER: `http://127.0.0.1:${server.port}`, ...env }, timeout: 10000 },
    (error, stdout, stderr) => resolve({ code: error ? error.code : 0, text: stdout + stderr }));
  child.stdin.end();
});

const texts = {
  name: 'line ends and escapes in texts',
  async attack(server) {
    const evil = 'boom\nFORGED line\r\u001b[31mred\u009b1m', wrong = [];
    await ask(server, 'POST', '/workflows/fail/run', { body: JSON.stringify({ handler_id: 'evil', start_event: { message: evil } }) });
    await ask(server, 'POST', '/workflows/noop/run', { body: JSON.stringify({ handler_id: evil, start_event: {} }) });
    await ask(server, 'GET', `/workflows/${encodeURIComponent(evil)}/schema`);
    await ask(server, 'POST', '/events/evil', { body: JSON.stringify({ event: { type: evil, value: {} } }) });
    if (/^FORGED|\u001b|\u009b/m.test(server.log)) wrong.push('they are in the log as they are');
    for (const args of [['list'], ['show', 'evil']]) {
      const { text } = await command(server, args, { NO_COLOR: '1' });
      if (/^FORGED|\u001b\[31m|\u009b/m.test(text)) wrong.push(`\`weir ${args[0]}\` prints them as they are`);
    }
    return { seen: '', wrong };
  },
};

const proxy = {
  name: 'a proxy in the environment of the client',
  start: { key: 'secret' },
  async attack(server) {
    const wrong = [];
    let text = '';
    const other = net.createServer(socket => socket.on('data', piece => { text += piece; socket.end('HTTP/1.1 502 no\r\n\r\n'); }).on('error', () => {}));
    await new Promise(resolve => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${other.address().port}`;
    await command(server, ['list'], { http_proxy: url, all_proxy: url, ALL_PROXY: url, WEIR_API_KEY: server.key });
    if (text) wrong.push(`the proxy got a request to a loopback address${text.includes('secret') ? ', with the key' : ''}`);
    text = '';
    await command(server, ['list'], { WEIR_SERVER: url, WEIR_API_KEY: 'k\r\nx-evil: 1' });
    if (/^x-evil/im.test(text)) wrong.push('a line end in the key adds a header');
    other.close();
    return { seen: '', wrong };
  },
};

const modes = {
  name: 'files and keys that others on the machine may read',
  start: { store: 'sqlite', key: 'secret' },
  seed: server => ended(server, 'noop'),
  async attack(server) {
    const open = readdirSync(server.folder).filter(name => statSync(join(server.folder, name)).mode & 0o077);
    const wrong = open.length ? [`others may read ${open.join(', ')}`] : [];
    if (!server.log.includes('api-key-file')) wrong.push('no hint that a key on the command line is seen by others');
    return { seen: '', wrong };
  },
};

const keyFile = {
  name: 'the key in a file',
  start: {
    args: folder => {
      writeFileSync(join(folder, 'key'), 'secret\n', { mode: 0o600 });
      return ['--api-key-file', join(folder, 'key')];
    },
  },
  async attack(server) {
    const without = await ask(server, 'GET', '/handlers');
    server.key = 'secret';
    const brought = await ask(server, 'GET', '/handlers');
    return { seen: `${without.status}, ${brought.status}`, wrong: without.status === 401 && brought.status === 200 ? [] : [`${without.status} without, ${brought.status} with it`] };
  },
};

const cache = {
  name: 'a cache folder that is somebody else\'s',
  async attack(server) {
    const wrong = [], source = join(server.folder, 'x.cpp');
    writeFileSync(source, 'int x;\n');
    const place = (name, make) => { const at = join(server.folder, name); mkdirSync(at); make(join(at, 'weir')); return at; };
    const folders = [['a link', place('link', at => { mkdirSync(`${at}.other`); symlinkSync(`${at}.other`, at); })],
      ['one that all may write', place('open', at => { mkdirSync(at); chmodSync(at, 0o777); })]];
    if (process.getuid() === 0) folders.push(['another user\'s', place('other', at => { mkdirSync(at, { mode: 0o755 }); chownSync(at, 65534, 65534); })]);
    for (const [name, folder] of folders) {
      // The compiler fails, so that who comes so far is told apart.
      const { text } = await command(server, ['serve', source, '--port', '0'], { XDG_CACHE_HOME: folder, CXX: '/bin/false' });
      if (/does not compile/.test(text)) wrong.push(`${name} is used`);
    }
    return { seen: `${folders.length} folders`, wrong };
  },
};

export default [pagesElsewhere, anyOrigin, ids, stateOfFork, texts, proxy, modes, keyFile, cache];
