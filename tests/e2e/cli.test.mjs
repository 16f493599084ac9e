// The weir command as people and scripts use it: each verb at a terminal, in a pipe and with --json, and `weir serve`.
import assert from 'node:assert';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { built, eventually, startProgram } from './server.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const weir = built('weir');
const folder = mkdtempSync(join(tmpdir(), 'weir-cli-'));
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
for (const name of ['WEIR_SERVER', 'WEIR_HOST', 'WEIR_PORT', 'WEIR_API_KEY', 'WEIR_API_KEY_FILE', 'WEIR_CONFIG', 'WORKFLOWS_PY_SERVER_HOST', 'WORKFLOWS_PY_SERVER_PORT']) delete env[name];
after(() => rmSync(folder, { recursive: true, force: true }));

const source = (name, text) => { const path = join(folder, name); writeFileSync(path, text); return path; };

const shop = answer => `#include <weir/weir.hpp>
#include <weir/plugin.hpp>
struct Order { using kind = weir::StartEvent; std::string item; int count = 1; };
struct Packed { std::string item; };
struct Confirm { using kind = weir::InputRequiredEvent; std::string question; };
struct Confirmed { using kind = weir::HumanResponseEvent; bool yes; std::string note = "none"; };
struct Shipped { using kind = weir::StopEvent; std::string item; std::string note; };
struct Shop : weir::Workflow {
  Shop() { step<&Shop::pack>(); step<&Shop::ship>(); }
  Confirm pack(weir::Context& ctx, const Order& order) {
    if (order.item == "nothing") throw std::runtime_error("there is nothing to pack");
    if (order.item.starts_with("!")) throw std::runtime_error(order.item);
    for (int i = 0; i < order.count; ++i) ctx.write_event_to_stream(Packed{order.item});
    return {"Ship?"};
  }
  Shipped ship(const Confirmed& answer) { return {"${answer}", answer.yes ? answer.note : "refused"}; }
};
struct Echo : weir::Workflow {
  Echo() { step<&Echo::echo>(); }
  weir::StopEvent echo(const weir::StartEvent& start) { return weir::StopEvent(weir::Value(start.fields())); }
};
WEIR_EXPORT(server) {
  server.add_workflow("shop", std::make_shared<Shop>(), {.additional_events = weir::events<Packed>()});
  server.add_workflow<Echo>("echo");
}
`;

const others = `#include <weir/weir.hpp>
#include <weir/plugin.hpp>
struct Query { using kind = weir::StartEvent; };
struct Doc { int n = 0; };
struct Facts {};
struct Opinion {};
struct Again {};
struct Answered { using kind = weir::StopEvent; };
struct Research : weir::Workflow {
  Research() { step<&Research::retrieve>(); step<&Research::rank>().take(2); step<&Research::muse>(); step<&Research::judge>(); }
  std::vector<Doc> retrieve(const std::variant<Query, Again>&) { return {Doc(), Doc()}; }
  Facts rank(const std::vector<Doc>&) { return {}; }
  Opinion muse(const Query&) { return {}; }
  std::variant<Again, Answered> judge(const Facts&, const Opinion&) { return Answered(); }
};
struct Vote { using kind = weir::InputRequiredEvent; std::string role; };
struct Voted { std::string role; bool agreed; };
struct Board : weir::Workflow {
  Board() { step<&Board::ask>(); }
  weir::Task<weir::StopEvent> ask(weir::Context& ctx, const weir::StartEvent&) {
    std::string who;
    for (const std::string role : {"manager", "director"}) {
      const weir::WaitOptions asking{.publish = Vote{role}, .requirements = {{"role", role}}};
      who += (co_await ctx.wait_for_event<Voted>(asking)).role + " ";
    }
    co_return weir::StopEvent(who);
  }
};
struct Progress { int percent; };
WEIR_EXPORT(server) {
  server.add_workflow<Research>("research");
  server.add_workflow("board", std::make_shared<Board>(), {.additional_events = weir::events<Vote, Voted, Progress>()});
}
`;

/** Serves files until the test is done. */
const serve = (files, args = [], options = {}) =>
  startProgram(weir, ['serve', ...files, '--host', '127.0.0.1', '--port', '0', ...args], { env, ...options });

const { base } = await serve([source('shop.cpp', shop('tea')), source('others.cpp', others)]);

/** In a pipe. */
const piped = (args, { input = '', server = base } = {}) => {
  const { status, stdout, stderr } = spawnSync(weir, args, { env: { ...env, WEIR_SERVER: server }, input, encoding: 'utf8' });
  return { status, stdout, stderr };
};
const json = (args, options) => piped([...args, '--json'], options).stdout.trim().split('\n').map(line => JSON.parse(line));
/** At a terminal; `typed` is what the person types. */
const terminal = (args, typed = '') => new Promise(resolve => {
  const command = [weir, ...args].map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...env, WEIR_SERVER: base, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'ignore'] });
  let stdout = '', answered = false;
  child.stdout.on('data', chunk => {
    stdout += chunk;
    if (typed && !answered && /\[y\/n\]|handler/.test(stdout) && stdout.includes('yes [y/n]')) { answered = true; child.stdin.write(typed); }
  });
  child.on('close', status => resolve({ status, stdout: stdout.replaceAll('\r', '') }));
  if (!typed) child.stdin.end();
});
const start = (...fields) => piped(['start', 'shop', ...fields]).stdout.trim();

test('workflows: names, a line each', async () => {
  assert.deepEqual(piped(['workflows']), { status: 0, stdout: 'shop\necho\nresearch\nboard\n', stderr: '' });
  assert.deepEqual(json(['workflows']), [['shop', 'echo', 'research', 'board']]);
  assert.equal((await terminal(['workflows'])).stdout, 'shop\necho\nresearch\nboard\n');
});

test('run: events as they come and how it ended, in a pipe and as JSON', () => {
  const { status, stdout } = piped(['run', 'echo', 'n=5', 'text=5 apples', 'deep:={"a":[1]}']);
  assert.equal(status, 0);
  assert.match(stdout, /^StopEvent \{"result":\{"n":5,"text":"5 apples","deep":\{"a":\[1\]\}\}\}\ncompleted  \w{10}\n$/);
  const lines = json(['run', 'echo', '{"n":1}']);
  assert.deepEqual(lines[0].value, { result: { n: 1 } });
  assert.equal(lines.at(-1).status, 'completed');
  assert.equal(json(['run', 'echo', '-', '-q'], { input: '{"n":2}' })[0].result.value.result.n, 2);
  const failed = piped(['run', 'shop', 'item=nothing']);
  assert.equal(failed.status, 1);
  assert.match(failed.stdout, /failed: there is nothing to pack/);
});

test('run: at a terminal it shows the steps and asks the person', async () => {
  const { status, stdout } = await terminal(['run', 'shop', 'item=tea', 'count=2'], 'y\nfast\n');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /\u25cf pack/);
  assert.equal(stdout.split('Packed').length, 3);
  assert.match(stdout, /note \["none"\]: /);
  assert.match(stdout, /Shipped\S* \{"item":"tea","note":"fast"\}/);
  assert.match(stdout, /completed/);
});

test('run: the README\'s program, whose step awaits the answer, is answered without naming its type', async () => {
  const program = await serve([join(root, 'examples/hello.cpp')]);
  const id = piped(['start', 'joke', 'subject=cat'], { server: program.base }).stdout.trim();
  const asked = piped(['ask', id], { input: 'y\n', server: program.base });
  assert.equal(asked.stdout, 'sent Verdict {"approved":true}\n', asked.stderr);
  assert.match(piped(['watch', id], { server: program.base }).stdout, /Joke \{"text":"A cat walks into a bar."\}\ncompleted/);
});

test('start, watch, send: a run is begun, followed from any point, and answered', async () => {
  const id = start('item=tea');
  assert.match(id, /^\w{10}$/);
  const watching = terminal(['watch', id]);
  assert.equal(json(['start', 'shop', 'item=tea', '--handler-id', 'mine'])[0].handler_id, 'mine');
  assert.deepEqual(piped(['send', id, 'Confirmed', 'yes=true', 'note=7', '--step', 'ship']), { status: 0, stdout: 'sent\n', stderr: '' });
  assert.match((await watching).stdout, /Packed[^]*Confirm[^]*Shipped[^]*completed/);
  const { stdout } = piped(['watch', id]);
  assert.match(stdout, /^Packed \{"item":"tea"\}\nConfirm \{"question":"Ship\?"\}\nShipped \{"item":"tea","note":"7"\}\ncompleted  /);
  const events = json(['watch', id]);
  assert.deepEqual(events.map(event => event.type ?? event.status), ['Packed', 'Confirm', 'Shipped', 'completed']);
  assert.deepEqual(json(['watch', id, '--after', String(events[1].sequence)]).map(event => event.type ?? event.status), ['Shipped', 'completed']);
  assert.deepEqual(json(['send', 'mine', 'Confirmed', 'yes=false']), [{ status: 'sent' }]);
  assert.equal((await terminal(['send', start('item=x'), 'Confirmed', 'yes=true'])).stdout, 'sent\n');
});

test('send: what nothing takes is told, refused with --strict, and listed by show', () => {
  const id = start('item=x');
  assert.equal(piped(['send', id, 'Packed', 'item=a']).stdout, 'sent, but nothing in the run has taken it\n');
  assert.deepEqual(json(['send', id, 'Packed', 'item=b']), [{ status: 'sent', unhandled: true }]);
  const refused = piped(['send', id, 'Packed', 'item=c', '--strict']);
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /Nothing in the run takes Packed now: the run waits for Confirmed \(step 'ship'\)/);
  assert.match(piped(['show', id]).stdout, /\nunhandled\t2 events that no step, wait or mailbox took\n\t[-\d]+ [:\d]+ Packed {"item":"b"}\n\t[-\d]+ [:\d]+ Packed {"item":"a"}\n/);
  assert.equal(json(['show', id])[0].unhandled.count, 2);
  assert.equal(piped(['send', id, 'Confirmed', 'yes=true', '--strict']).stdout, 'sent\n');
});

test('ask: shows the prompt and asks for each field of the answer', async () => {
  const asked = piped(['ask', start('item=tea')], { input: 'n\n\n' });
  assert.equal(asked.status, 0, asked.stderr);
  assert.equal(asked.stdout, 'sent Confirmed {"yes":false}\n');
  assert.equal(asked.stderr, 'Confirm {"question":"Ship?"}\nyes [y/n]: note ["none"]: ');
  assert.deepEqual(json(['ask', start('item=tea'), 'yes=true', 'note=ok'])[0].value, { yes: true, note: 'ok' });
  const id = start('item=tea');
  assert.match((await terminal(['ask', id], 'y\nquick\n')).stdout, /sent Confirmed \{"yes":true,"note":"quick"\}/);
  const over = piped(['ask', id], { input: '' });
  assert.equal(over.status, 2);
  assert.equal(over.stderr, `weir: handler '${id}' is over: nothing waits for an answer\n`);
  const silent = piped(['ask', start('item=tea')], { input: '' });
  assert.equal(silent.status, 2);
  assert.match(silent.stderr, /standard input ended before the answer was complete/);
});

test('list, show, cancel: handlers are found, looked at and ended', async () => {
  const id = start('item=tea');
  assert.match(piped(['list', '--status', 'running', '--workflow', 'shop', '--limit', '1']).stdout, new RegExp(`^${id}\tshop\trunning\t[-0-9]{10} [:0-9]{8}\t\n$`));
  assert.deepEqual(json(['list', '--status', 'running', '--limit', '1']).map(handler => handler.handler_id), [id]);
  assert.match((await terminal(['list'])).stdout, /HANDLER +WORKFLOW +STATUS +STARTED +ERROR\n/);
  assert.match(piped(['show', id]).stdout, new RegExp(`^handler\t${id}\nworkflow\tshop\nrun\t\\w{10}\nstatus\trunning\n`));
  assert.equal(json(['show', id])[0].status, 'running');
  assert.match((await terminal(['show', id])).stdout, new RegExp(`handler   ${id}\n`));
  assert.equal(piped(['cancel', id]).stdout, 'cancelled\n');
  assert.equal(piped(['cancel', id]).status, 4);
  assert.equal((await terminal(['cancel', start('item=tea')])).stdout, 'cancelled\n');
  assert.deepEqual(json(['cancel', id, '--purge']), [{ status: 'deleted' }]);
  const gone = piped(['show', id]);
  assert.equal(gone.status, 4);
  assert.match(gone.stderr, /^weir: Handler not found \(GET /);
});

test('graph: text, DOT, Mermaid, SVG and JSON', async () => {
  assert.equal(piped(['graph', 'shop']).stdout, 'Shop\n  pack: Order -> Confirm\n  ship: Confirmed -> Shipped\n');
  assert.match(piped(['graph', 'shop', '-f', 'dot']).stdout, /"pack" -> "Confirm";/);
  assert.match(piped(['graph', 'shop', '-f', 'mermaid']).stdout, /^flowchart LR\n/);
  assert.match(piped(['graph', 'shop', '-f', 'svg']).stdout, /<svg /);
  assert.equal(json(['graph', 'shop'])[0].name, 'Shop');
  assert.match((await terminal(['graph', 'shop'])).stdout, /pack: Order -> Confirm/);
  const without = spawnSync(weir, ['graph', 'shop', '-f', 'svg'], { env: { ...env, WEIR_SERVER: base, PATH: folder }, encoding: 'utf8' });
  assert.match(without.stderr, /SVG is drawn by Graphviz: install it/);
});

test('graph: lists, joins, loops', () => {
  assert.equal(piped(['graph', 'research']).stdout, 'Research\n  judge: Facts + Opinion -> Again (back to retrieve) | Answered\n  muse: Query -> Opinion\n' +
    '  rank: 2 of [Doc] -> Facts\n  retrieve: Query | Again -> [Doc]\n');
  assert.match(piped(['graph', 'research', '-f', 'dot']).stdout, /"retrieve" -> "Doc" \[label="list"\];/);
});

test('ask: only what the run waits for is offered, and it carries what the question requires: a late answer is not taken for another', async () => {
  const id = piped(['start', 'board']).stdout.trim();
  const waits = role => eventually(() => json(['show', id])[0], ({ waiting_for: [wait] = [] }) => wait?.requirements?.role === role);
  await waits('manager');
  const late = spawn(weir, ['ask', id], { env: { ...env, WEIR_SERVER: base } });
  let said = '';
  late.stderr.setEncoding('utf8').on('data', part => { said += part; });
  await eventually(() => said, text => text.includes('agreed [y/n]'));
  assert.doesNotMatch(said, /Which event answers/);
  assert.match(said, /role: "manager" \(as the question requires\)/);
  assert.equal(piped(['send', id, 'Voted', 'role=manager', 'agreed=true']).stdout, 'sent\n');
  await waits('director');
  late.stdin.end('y\n');
  await new Promise(resolve => late.on('close', resolve));
  assert.match(said, /nothing in the run has taken the answer/);
  assert.match(piped(['show', id]).stdout, /\nwaits\tfor Voted \(step 'ask'\) with {"role":"director"}\n/);
  assert.equal(piped(['ask', id], { input: 'y\n' }).stdout, 'sent Voted {"role":"director","agreed":true}\n');
  assert.match(piped(['watch', id]).stdout, /StopEvent \{"result":"manager director "\}/);
});

test('what goes wrong has an exit code and a sentence', () => {
  for (const [args, status, sentence] of [
    [['run', 'nobody'], 4, /Workflow not found/],
    [['run', 'shop'], 5, /Field required/],
    [['run', 'shop', 'tea'], 2, /'tea' is no field: write key=value/],
    [['run', 'shop', 'item:=x'], 2, /'item:=x': Expecting value/],
    [['watch'], 2, /ID is required/],
    [['dance'], 2, /there is no verb 'dance'/],
    [['send', 'nobody', 'Confirmed'], 4, /Handler not found/],
    [['start', 'shop', 'item=tea', '--handler-id', start('item=tea')], 5, /is already running/],
  ]) {
    const got = piped(args);
    assert.equal(got.status, status, `${args.join(' ')}: ${got.stderr}`);
    assert.match(got.stderr + got.stdout, sentence);
  }
  const nowhere = piped(['workflows'], { server: 'http://127.0.0.1:9' });
  assert.equal(nowhere.status, 3);
  assert.match(nowhere.stderr, /^weir: GET http:\/\/127.0.0.1:9\/workflows: /);
  assert.equal(piped(['workflows'], { server: 'localhost' }).status, 2);
});

test('Ctrl+C leaves a run alone and says how to find it again', async () => {
  const id = start('item=tea');
  const child = spawn(weir, ['watch', id], { env: { ...env, WEIR_SERVER: base }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', chunk => { stderr += chunk; });
  await new Promise(resolve => child.stdout.on('data', chunk => String(chunk).includes('Confirm') && resolve()));
  child.kill('SIGINT');
  assert.equal(await new Promise(resolve => child.on('close', resolve)), 130);
  assert.match(stderr, new RegExp(`the run goes on; \`weir watch ${id}\` shows it again`));
  assert.equal(json(['show', id])[0].status, 'running');
});

test('serve: a program with a main() is served as it is, a library too, and both are told what is wrong', async () => {
  const program = await serve([join(root, 'examples/hello.cpp')]);
  assert.equal(piped(['graph', 'joke'], { server: program.base }).status, 0);
  const library = join(folder, 'shop.so');
  const includes = ['actors', 'persistence', 'http'].map(name => `-I${join(root, name, 'include')}`);
  execFileSync(process.env.CXX ?? 'c++', ['-std=c++20', '-fPIC', '-shared', ...includes, join(folder, 'shop.cpp'), '-o', library]);
  const served = await serve([library], ['--api-key', 'secret']);
  assert.equal(piped(['workflows'], { server: served.base }).status, 5);
  assert.equal(piped(['workflows', '--api-key', 'secret'], { server: served.base }).stdout, 'shop\necho\n');

  const fails = (files, sentence, status = 2) => {
    const got = spawnSync(weir, ['serve', ...files, '--port', '0'], { env, encoding: 'utf8' });
    assert.equal(got.status, status, got.stderr);
    assert.match(got.stderr, sentence);
  };
  fails([source('wrong.cpp', 'int x = "";\n')], /wrong.cpp:1:9: error: invalid conversion[^]*weir: '.*wrong.cpp' does not compile/);
  fails([source('empty.cpp', 'int x;\n')], /exports no workflows: add WEIR_EXPORT/);
  fails([source('old.cpp', '#include <weir/plugin.hpp>\n#undef WEIR_ABI\n#define WEIR_ABI "weir 0.0.1"\nWEIR_EXPORT(server) { (void)server; }\n')],
    /was built for another Weir \(weir 0.0.1; this is weir /);
  fails([source('throws.cpp', '#include <weir/plugin.hpp>\nstruct W : weir::Workflow {};\nWEIR_EXPORT(server) { server.add_workflow<W>("w"); }\n')], /throws.cpp': /);
  fails([source('loose.cpp', '#include <weir/plugin.hpp>\nvoid nowhere();\nWEIR_EXPORT(server) { nowhere(); (void)server; }\n')], /cannot be loaded: .*undefined symbol/);
  fails([join(folder, 'none.cpp')], /none.cpp' is no file/);
  fails([], /serve needs a FILE/);
  fails([join(folder, 'shop.cpp'), join(root, 'examples/hello.cpp')], /a file with a main\(\) is served alone/);
});

test('serve: the guide\'s plugin, which includes a file beside it', async () => {
  const served = await serve([join(root, 'examples/plugin.cpp')]);
  assert.match(piped(['run', 'greeting', 'name=Ada'], { server: served.base }).stdout, /Greeting \{"text":"Hello, Ada!"\}/);
});

test('serve: several files share a server; what is reachable without a key is warned about', async () => {
  const second = source('second.cpp', shop('coffee').replace('"shop"', '"second"').replace('"echo"', '"echo2"'));
  const served = await serve([join(folder, 'shop.cpp'), second]);
  assert.equal(piped(['workflows'], { server: served.base }).stdout, 'shop\necho\nsecond\necho2\n');
  assert.doesNotMatch(served.log(), /API key/);
  const open = spawn(weir, ['serve', second, '--port', '0'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const said = await new Promise(resolve => {
    let log = '';
    open.stderr.on('data', chunk => { log += chunk; if (log.includes('serving on')) resolve(log); });
  });
  assert.match(said, /everybody who reaches 0.0.0.0:\d+ may start and read runs: set an API key/);
  open.kill('SIGTERM');
  await new Promise(resolve => open.on('close', resolve));
});

test('serve: compiled files are used only from a folder, and as files, that are this user\'s alone', () => {
  const refused = (cache, reason) => {
    const { status, stderr } = spawnSync(weir, ['serve', join(folder, 'shop.cpp'), '--port', '0'], { env: { ...env, XDG_CACHE_HOME: cache }, encoding: 'utf8' });
    assert.equal(status, 2, stderr);
    assert.match(stderr, reason);
  };
  const shared = join(folder, 'shared');
  mkdirSync(join(shared, 'weir'), { recursive: true });
  chmodSync(join(shared, 'weir'), 0o777);
  refused(shared, /shared\/weir' can be written by other users, so what is in it is not run/);
  const linked = join(folder, 'linked');
  mkdirSync(linked);
  symlinkSync(join(env.XDG_CACHE_HOME, 'weir'), join(linked, 'weir'));
  refused(linked, /linked\/weir' is a link/);
  for (const kept of readdirSync(join(env.XDG_CACHE_HOME, 'weir'))) {
    const entry = join(env.XDG_CACHE_HOME, 'weir', kept);
    const sources = join(entry, 'sources');
    if (!existsSync(sources) || !readFileSync(sources, 'utf8').includes(join(folder, 'shop.cpp'))) continue;
    chmodSync(sources, 0o666);
    refused(env.XDG_CACHE_HOME, /sources' can be written by other users/);
    chmodSync(sources, 0o600);
    const library = join(entry, readdirSync(entry).find(name => name.endsWith('.so')));
    renameSync(library, library + '.away');
    symlinkSync(library + '.away', library);
    refused(env.XDG_CACHE_HOME, /\.so' is a link/);
    rmSync(library);
    renameSync(library + '.away', library);
    return;
  }
  assert.fail('the cache has no entry of shop.cpp');
});

test('an API key comes from a file for a server and its clients; one on the command line is warned about', async () => {
  const keys = source('keys', '# for the test\nsecret-key\n');
  chmodSync(keys, 0o600);
  const served = await serve([join(folder, 'shop.cpp')], ['--api-key-file', keys]);
  assert.equal(piped(['list'], { server: served.base }).status, 5);
  assert.equal(piped(['list', '--api-key-file', keys], { server: served.base }).status, 0);
  assert.doesNotMatch(served.log(), /command line/);
  assert.match(served.log(), /who has an API key may use it/);
  chmodSync(keys, 0o644);
  assert.match(piped(['list', '--api-key-file', keys], { server: served.base }).stderr, /^weir: --api-key-file must be a file .* others may read or write it/);
  const seen = await serve([join(folder, 'shop.cpp')], ['--api-key', 'secret-key']);
  assert.match(seen.log(), /warning: an API key is on the command line/);
});

test('a workflow and a handler whose names look like paths are reached by every verb', async () => {
  const names = ['a/b', '../events', 'tea, green?#%2F'];
  const { base: server } = await serve([source('paths.cpp', shop('tea').replace('server.add_workflow<Echo>("echo");',
    names.map(name => `server.add_workflow<Shop>("${name}");`).join(' ')))]);
  for (const name of names) {
    const id = `of ${name}`;
    assert.equal(piped(['start', name, 'item=tea', '--handler-id', id], { server }).stdout, `${id}\n`);
    assert.match(piped(['graph', name], { server }).stdout, /pack/);
    assert.match(piped(['show', id], { server }).stdout, new RegExp(`^workflow\t${name.replace(/[.?/]/g, '\\$&')}$`, 'm'));
    assert.equal(json(['list', '--workflow', name], { server })[0].handler_id, id);
    assert.equal(piped(['send', id, 'Confirmed', 'yes=true', 'note=hi'], { server }).stdout, 'sent\n');
    assert.equal(piped(['watch', id], { server }).status, 0);
    assert.equal(piped(['run', name, 'item=nothing'], { server }).status, 1);
    assert.equal(piped(['cancel', id, '--purge'], { server }).stdout, 'deleted\n');
  }
});

test('what runs and servers say reaches the terminal and the log without its control characters', async () => {
  const item = '!first\nsecond\u001b[31m\u009b0m\u202e';
  const id = piped(['start', 'shop', `item=${item}`, '--handler-id', 'a/b\u202e%']).stdout.trim();
  assert.equal(id, 'a/b\\u202e%');
  const unescaped = 'a/b\u202e%';
  assert.equal(piped(['watch', unescaped]).status, 1);
  for (const verb of [['show', unescaped], ['list'], ['watch', unescaped], ['list', '--json'], ['show', 'no\u001b[31msuch']]) {
    for (const { stdout, stderr = '' } of [piped(verb), await terminal(verb)]) {
      const said = (stdout + stderr).replace(/\u001b\[(\d*m|\d+A|J)/g, (code, kind) => (kind === '31m' && !/failed/.test(stdout) ? code : ''));
      assert.doesNotMatch(said.replaceAll('\n', ''), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/, verb.join(' '));
    }
  }
  assert.match(piped(['show', unescaped]).stdout, /error\t!first\\nsecond\\u001b\[31m\\u009b0m\\u202e/);
});

test('serve: settings come from a file, the environment and flags, and are printed with their sources', () => {
  const config = source('weir.conf', 'port = 1234\nstore = "memory"\n');
  const { stdout } = spawnSync(weir, ['serve', '--config', config, '--sync', 'normal', '--print-config'], { env: { ...env, WORKFLOWS_PY_SERVER_HOST: '127.0.0.9' }, encoding: 'utf8' });
  assert.match(stdout, /host = "127.0.0.9"  # WORKFLOWS_PY_SERVER_HOST\nport = "1234"  # .*weir.conf: port\n/);
  assert.match(stdout, /sync = "normal"  # --sync\n/);
  const wrong = spawnSync(weir, ['serve', '--print-config'], { env: { ...env, WEIR_PORT: 'x' }, encoding: 'utf8' });
  assert.equal(wrong.status, 2);
  assert.equal(wrong.stderr, "weir: WEIR_PORT must be a whole number from 0 to 65535, got 'x'\n");
});

test('serve --watch: a changed file is loaded again, runs in flight end as they began, errors change nothing', async () => {
  const file = source('changing.cpp', shop('before'));
  const served = await serve([file], ['--watch']);
  const begun = piped(['start', 'shop', 'item=x'], { server: served.base }).stdout.trim();
  source('changing.cpp', 'this is no C++\n');
  await eventually(() => served.log(), log => /does not compile: what was loaded before stays/.test(log), 60000);
  // Another layout of the answer, so that an old run must get the answer as it knows it.
  source('changing.cpp', shop('after').replace('bool yes; std::string note = "none";', 'std::string extra = "x"; std::string note = "none"; bool yes;'));
  await eventually(() => served.log(), log => /reloaded/.test(log), 60000);
  const answer = id => piped(['send', id, 'Confirmed', 'yes=true', 'note=hi'], { server: served.base }).status;
  assert.equal(answer(begun), 0);
  const ended = piped(['watch', begun], { server: served.base }).stdout;
  assert.match(ended, /Shipped \{"item":"before","note":"hi"\}/);
  const next = piped(['start', 'shop', 'item=x'], { server: served.base }).stdout.trim();
  assert.equal(answer(next), 0);
  assert.match(piped(['watch', next], { server: served.base }).stdout, /Shipped \{"item":"after","note":"hi"\}/);
  assert.equal((await served.stop()).code, 0);
});

test('serve --watch: a shared library that is built again under its name is loaded again', async () => {
  const library = join(folder, 'again.so');
  const includes = ['actors', 'persistence', 'http'].map(name => `-I${join(root, name, 'include')}`);
  const build = answer => execFileSync(process.env.CXX ?? 'c++', ['-std=c++20', '-fPIC', '-shared', '-fno-gnu-unique', ...includes,
    source('again.cpp', shop(answer)), '-o', library]);
  build('before');
  const served = await serve([library], ['--watch']);
  build('after');
  await eventually(() => served.log(), log => /reloaded/.test(log), 60000);
  const id = piped(['start', 'shop', 'item=x'], { server: served.base }).stdout.trim();
  assert.equal(piped(['send', id, 'Confirmed', 'yes=true'], { server: served.base }).status, 0);
  assert.match(piped(['watch', id], { server: served.base }).stdout, /Shipped \{"item":"after"/);
});

test('serve --watch: a program is started again when it changes, and its stored runs go on', async () => {
  const text = answer => shop(answer).replace(/WEIR_EXPORT[^]*/, `int main(int argc, char** argv) {
    weir::WorkflowServer server;
    server.add_workflow<Shop>("shop");
    return server.main(argc, argv);
  }\n`);
  const file = source('program.cpp', text('before'));
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => probe.on('listening', resolve));
  const { port } = probe.address();
  await new Promise(resolve => probe.close(resolve));
  const served = await serve([file], ['--watch', '--port', String(port), '--store', `sqlite:${join(folder, 'program.db')}`]);
  const begun = piped(['start', 'shop', 'item=x'], { server: served.base }).stdout.trim();
  source('program.cpp', text('after'));
  await eventually(() => served.log(), log => /restarted/.test(log) && log.split('serving on').length === 3, 60000);
  assert.equal(piped(['send', begun, 'Confirmed', 'yes=true'], { server: served.base }).status, 0);
  assert.match(piped(['watch', begun], { server: served.base }).stdout, /Shipped \{"item":"after","note":"none"\}/);
  assert.equal((await served.stop()).code, 0);
});

test('a server that is killed in the middle of a stream and started again is followed without a gap', async () => {
  const store = `sqlite:${join(folder, 'killed.db')}`;
  const first = await serve([join(folder, 'shop.cpp')], ['--store', store], { survives: false });
  const port = new URL(first.base).port;
  const id = piped(['start', 'shop', 'item=tea', 'count=3'], { server: first.base }).stdout.trim();
  const watching = spawn(weir, ['watch', id, '--json'], { env: { ...env, WEIR_SERVER: first.base }, stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = '';
  const prompted = new Promise(resolve => watching.stdout.on('data', chunk => { seen += chunk; if (seen.includes('Confirm')) resolve(); }));
  const ended = new Promise(resolve => watching.on('close', resolve));
  await prompted;
  first.process.kill('SIGKILL');
  const second = await serve([join(folder, 'shop.cpp')], ['--store', store, '--port', port]);
  assert.equal(piped(['send', id, 'Confirmed', 'yes=true'], { server: second.base }).status, 0);
  assert.equal(await ended, 0);
  const events = seen.trim().split('\n').map(line => JSON.parse(line));
  assert.deepEqual(events.map(event => event.type ?? event.status), ['Packed', 'Packed', 'Packed', 'Confirm', 'Shipped', 'completed']);
});

test('TLS: a certificate is verified, against an authority that is named, or not at all on request', async () => {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
  const proxy = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, async (request, response) => {
    const answer = await fetch(base + request.url);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => proxy.on('listening', resolve));
  after(() => proxy.close());
  const server = `https://127.0.0.1:${proxy.address().port}`;
  // Not spawnSync: the proxy is in this process.
  const ask = (...args) => new Promise(resolve => {
    const child = spawn(weir, ['workflows', '--server', server, ...args], { env });
    let out = '';
    child.stdout.on('data', chunk => { out += chunk; });
    child.stderr.on('data', chunk => { out += chunk; });
    child.on('close', status => resolve({ status, out }));
  });
  const refused = await ask();
  assert.equal(refused.status, 3);
  assert.match(refused.out, /certificate/i);
  assert.deepEqual(await ask('--ca-file', certificate), { status: 0, out: 'shop\necho\nresearch\nboard\n' });
  assert.deepEqual(await ask('--insecure'), { status: 0, out: 'shop\necho\nresearch\nboard\n' });
});

test('completion and the manual page know every verb', () => {
  const verbs = ['serve', 'run', 'start', 'watch', 'send', 'ask', 'workflows', 'list', 'show', 'cancel', 'graph', 'db', 'completion'];
  const bash = source('completion.bash', piped(['completion', 'bash']).stdout);
  const complete = line => execFileSync('bash', ['-c', `source ${bash}; COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _weir; echo "\${COMPREPLY[@]}"`],
    { env: { ...env, WEIR_SERVER: base, PATH: `${dirname(weir)}:${process.env.PATH}` }, encoding: 'utf8' }).trim();
  for (const verb of verbs) assert.ok(complete("weir ''").split(' ').includes(verb), verb);
  assert.equal(complete("weir run s"), 'shop');
  assert.equal(complete("weir list --stat"), '--status');
  assert.equal(complete("weir db m"), 'migrate');
  const zsh = piped(['completion', 'zsh']).stdout;
  for (const verb of verbs) assert.match(zsh, new RegExp(`'${verb}:`));
  assert.match(zsh, /^#compdef weir\n/);
  const page = piped(['man']).stdout;
  for (const verb of verbs) assert.match(page, new RegExp(`\\.SS ${verb}`));
  assert.match(page, /WEIR_PORT/);
  assert.ok(readFileSync(join(root, 'docs/serve.md'), 'utf8').includes(piped(['settings']).stdout), 'docs/serve.md has the table of `weir settings`');
});
