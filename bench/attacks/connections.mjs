// Connections: more than there are files for, slow ones, ones that break off.
import { ask, connect, pause, request, tally, unread } from './peer.mjs';

/** Every file of the process taken by connections that say nothing. */
const filesExhausted = {
  name: 'more connections than files', waits_ms: 500,
  start: { files: 1024 },
  async attack(server) {
    const sockets = Array.from({ length: 1100 }, () => connect(server));
    await server.moment(2000);
    const open = sockets.filter(socket => !socket.destroyed).length;
    server.dropSockets();
    return { seen: `${open} stayed open`, wrong: [] };
  },
};

const filesExhaustedWithStore = {
  name: 'no file left for a stored run', waits_ms: 500,
  start: { files: 256, store: 'sqlite' },
  async attack(server) {
    for (let i = 0; i < 300; i++) connect(server);
    await server.moment(1000);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await ask(server, 'POST', '/workflows/chain10/run', { body: '{"start_event":{}}', ms: 3000 }));
    const wrong = answers.every(({ status }) => status === 200 || status === 503) ? [] : [`new connections meanwhile: ${tally(answers)}`];
    return { seen: tally(answers), wrong };
  },
};

const drip = {
  name: 'heads that come byte by byte',
  async attack(server) {
    const bytes = `GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ${'a'.repeat(500)}`;
    const sockets = Array.from({ length: server.many(800) }, () => connect(server));
    for (let at = 0; at < 60; at++) {
      for (const socket of sockets) if (!socket.destroyed) socket.write(bytes[at]);
      await pause(50);
    }
    return { seen: `${sockets.filter(socket => !socket.destroyed).length} of ${sockets.length} open`, wrong: [] };
  },
};

const churn = {
  name: 'connections that are reset at once',
  async attack(server) {
    const count = server.many(5000);
    for (let done = 0; done < count; done += 50) {
      const batch = Array.from({ length: 50 }, () => new Promise(resolve => {
        const socket = connect(server);
        socket.on('connect', () => socket.resetAndDestroy()).on('close', resolve);
      }));
      await Promise.all(batch);
    }
    return { seen: `${count} connections`, wrong: [] };
  },
};

const idleOnes = {
  name: '9,000 idle connections, closed', grows_mb: 160, returns_mb: 32,
  async attack(server) {
    const sockets = Array.from({ length: server.many(9000) }, () => connect(server));
    await server.moment(4000);
    const open = sockets.filter(socket => !socket.destroyed).length;
    server.dropSockets();
    await server.moment(4000);
    return { seen: `${open} of ${sockets.length} open`, wrong: open < sockets.length ? [`${open} of ${sockets.length} open`] : [] };
  },
};

const resetWhileAnswered = {
  name: 'reset in the middle of an answer',
  async attack(server) {
    const page = await ask(server, 'GET', '/licenses.txt');
    const kinds = ['/licenses.txt', '/openapi.json', '/ui/stream?list=true', '/handlers'];
    for (let round = 0; round < server.many(20); round++) {
      const sockets = Array.from({ length: 40 }, (_, i) => connect(server).on('data', function () { this.resetAndDestroy(); })
        .on('connect', function () { this.write(request(server, 'GET', kinds[i % kinds.length], { close: false }).repeat(2)); }));
      await Promise.all(sockets.map(socket => new Promise(resolve => socket.on('close', resolve))));
    }
    return { seen: `a file of ${page.body.length} bytes among them`, wrong: [] };
  },
};

const halfClosed = {
  name: 'clients that say they have sent everything',
  async attack(server) {
    const one = () => new Promise(resolve => {
      const socket = connect(server);
      let status = 0;
      socket.on('data', piece => { status ||= Number(piece.toString('latin1', 9, 12)); }).on('close', () => resolve({ status }));
      socket.end(request(server, 'POST', '/workflows/slow/run', { body: '{"start_event":{"seconds":0.2}}' }));
    });
    const answers = await Promise.all(Array.from({ length: server.many(200) }, one));
    return { seen: tally(answers), wrong: [] };
  },
};

/** More connections than are served at once, silent or slow, three times as many: somebody new is answered when their time is up. */
function crowd(name, begin) {
  return {
    name, waits_ms: 8000,
    start: { args: ['--connections-max', '100', '--read-timeout', '2s'] },
    async attack(server) {
      const sockets = unread(server, 300, begin);
      await pause(500);
      const { status } = await ask(server, 'GET', '/health', { ms: 12000 });
      return { seen: `${sockets.filter(socket => !socket.destroyed).length} of 300 open`, wrong: status === 200 ? [] : ['a new connection is not answered within 12 s'] };
    },
  };
}

/** The connections are still there, half-way through every phase, when the server is told to end. */
const pendingAtTheEnd = {
  name: 'SIGTERM among connections in every phase',
  async attack(server) {
    const halves = ['', 'GET /hea', `POST /workflows/echo/run HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 100\r\n\r\n{`,
      request(server, 'GET', '/ui/stream?list=true', { close: false }), request(server, 'GET', '/licenses.txt', { close: false }).repeat(2),
      request(server, 'POST', '/workflows/slow/run', { body: '{"start_event":{"seconds":100}}', close: false })];
    for (const half of halves) unread(server, server.many(30), half);
    await pause(300);
    const { ms, code } = await server.terminate();
    const wrong = code !== 0 ? [`SIGTERM: ${ms === Infinity ? 'does not end it' : code}`] : [];
    return { seen: `ended after ${ms} ms`, wrong, end_ms: ms };
  },
};

export default [filesExhausted, filesExhaustedWithStore, drip, churn, idleOnes, resetWhileAnswered, halfClosed, crowd('more idle connections than are served at once', ''),
  crowd('more connections with half a head than are served at once', 'GET /hea'),
  crowd('more connections with half a body than are served at once', 'POST /workflows/echo/run HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{'), pendingAtTheEnd];
