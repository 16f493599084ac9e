// Wrong programs: each must fail to compile, and the compiler must say the expected sentence first, once, and little else. And right ones:
// README's, without a warning.
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const compiler = process.env.CXX ?? 'g++';
const PREAMBLE = `
#include <weir/weir.hpp>
struct Start { using kind = weir::StartEvent; int n = 0; };
struct Other { int n; };
struct Stop { using kind = weir::StopEvent; int n; };
`;
const flow = (method, use = 'step<&Flow::run>();') => `${PREAMBLE}
struct Flow : weir::Workflow {
  Flow() { ${use} }
  ${method}
};
int main() { Flow flow; }
`;

function compile(text, flags = []) {
  const includes = ['actors/include', 'persistence/include', 'http/include'].map(path => `-I${join(root, path)}`);
  const { status, stderr } = spawnSync(compiler, ['-std=c++20', '-fsyntax-only', ...flags, ...includes, '-x', 'c++', '-'], { input: text, encoding: 'utf8' });
  const sentences = [...stderr.matchAll(/static assertion failed: (.*)/g)].map(([, sentence]) => sentence);
  const first = stderr.split('\n').find(line => /\berror:/.test(line)) ?? '';
  return { ok: status === 0, sentences, stderr, first, lines: stderr.trimEnd().split('\n').length };
}

const AT_LEAST_ONE = 'a step takes at least one event: write `Result step(const SomeEvent&)` or `Result step(weir::Context&, const SomeEvent&)`';
const SINGLE_VECTOR = 'a std::vector of events cannot be combined with other event parameters: use a single vector, or several single events';
const FACTORY = 'a resource\'s factory takes nothing, or weir::Resource<T> for each resource it needs';
const BY_CONST = 'a step takes an event by `const Event&`, several as std::variant, or a stream as std::vector';
const CONTEXT = 'a step takes `weir::Context&` before everything else, or not at all';
const RESULT = 'a step returns an event, a std::optional, std::variant or std::vector of events, or void';
const NO_FORM = 'this member\'s type has no JSON form: use weir::Value for any JSON, a plain struct, or name its members with WEIR_DESCRIBE';
/// A step that takes an event with those members.
const odd = (members, before = '') => flow('Stop run(const Odd&) { return {}; }')
  .replace('struct Flow', `${before}\nstruct Odd { using kind = weir::StartEvent; ${members} };\nstruct Flow`);
const names = (event, member) => [new RegExp(`\\b${event}, [^\n]*"${member}"`)];
/// What one reads before one gives up. Measured: 9 lines of g++ 12, 12 of clang 16, for what is seen where a step is declared.
const lines_max = 15;
/// Found elsewhere, by assertions of their own.
const LONGER = /^a factory|^braced wait options|^an owning lambda/;
const WRONG = {
  'no event': [flow('Stop run(weir::Context&) { return {}; }'), AT_LEAST_ONE],
  'a resource alone': [flow('Stop run(weir::Resource<int>) { return {}; }'), AT_LEAST_ONE],
  'a vector beside another event': [flow('Stop run(const std::vector<Other>&, const Start&) { return {}; }'), SINGLE_VECTOR],
  'two vectors': [flow('Stop run(const std::vector<Other>&, const std::vector<Start>&) { return {}; }'), SINGLE_VECTOR],
  'a union in a join': [flow('Stop run(const Start&, const std::variant<Other, Stop>&) { return {}; }'),
    'a step that joins several events takes exactly one type for each parameter'],
  'a resource before the event': [flow('Stop run(weir::Resource<int>, const Start&) { return {}; }'), 'a step\'s resources come behind its events'],
  'a factory with a parameter that is no resource': [flow('Stop run(const Start&, weir::Resource<int>) { return {}; }',
    'step<&Flow::run>(); resource<int>([](int) { return 1; });'), FACTORY],
  'a factory that makes something else': [flow('Stop run(const Start&, weir::Resource<std::string>) { return {}; }',
    'step<&Flow::run>(); resource<std::string>([] { return Other{1}; });'),
  'a resource\'s factory returns a T, a std::unique_ptr<T> or a std::shared_ptr<T>'],
  'no event type': [flow('Stop run(int) { return {}; }'), 'a step takes an event by `const Event&`, several as std::variant, or a stream as std::vector'],
  'no event as result': [flow('int run(const Start&) { return 0; }'),
    'a step returns an event, a std::optional, std::variant or std::vector of events, or void'],
  'no function': [flow('int run;'), 'step<&Flow::method>() takes a member function of the workflow, or a free function'],
  'a member without JSON form, without a step': [`${PREAMBLE} struct Odd { void* pointer; }; auto& type = weir::event_type<Odd>();`,
    NO_FORM, ...names('Odd', 'pointer')],
  'an event that is taken by reference': [flow('Stop run(Start&) { return {}; }'), BY_CONST],
  'an event that is taken by rvalue reference': [flow('Stop run(Start&&) { return {}; }'), BY_CONST],
  'an event that is taken by pointer': [flow('Stop run(const Start*) { return {}; }'), BY_CONST],
  'a context behind the event': [flow('Stop run(const Start&, weir::Context&) { return {}; }'), CONTEXT],
  'a context by value': [flow('Stop run(weir::Context, const Start&) { return {}; }'), CONTEXT],
  'a const context': [flow('Stop run(const weir::Context&, const Start&) { return {}; }'), CONTEXT],
  'a coroutine without an event': [flow('weir::Task<int> run(const Start&) { co_return 1; }'), RESULT],
  'a member that is nlohmann::json': [odd('int before; nlohmann::json blob;', '#include <nlohmann/json.hpp>'), NO_FORM, ...names('Odd', 'blob')],
  'a member that is a function pointer': [odd('int before; int (*call)(int);'), NO_FORM, ...names('Odd', 'call')],
  'a member of a member': [odd('std::vector<Inner> inner;', 'struct Inner { void* pointer; };'), NO_FORM, ...names('Inner', 'pointer')],
  'a member that is a pointer of some kind': [odd('std::unique_ptr<int> owned;'), NO_FORM, ...names('Odd', 'owned')],
  'a clock without a calendar': [odd('std::chrono::steady_clock::time_point at;'), NO_FORM, ...names('Odd', 'at')],
  'a reference': [odd('int before; int& there;'), 'a member of an event is a value, no reference: store the thing itself, or its name',
    /Reference<Odd, 1, /],
  'a built-in array': [odd('int before; int items[3];'), 'a member of an event is no built-in array: use std::array or std::vector',
    /BuiltInArray<Odd, 1, /],
  'a const member': [odd('const int fixed = 1;'), 'a member of an event is not const: it is written when the event is read', ...names('Odd', 'fixed')],
  'a base class': [`${flow('Stop run(const Odd&) { return {}; }').replace('struct Flow', 'struct Odd : weir::StartEvent { int n; };\nstruct Flow')}`,
    'an event has no base class: say what it is inside it, by `using kind = weir::StartEvent;` or another kind'],
  'no aggregate': [odd('Odd() {} int n;'), 'an event is a plain struct (an aggregate), or a class whose members are named by WEIR_DESCRIBE'],
  'more than 32 members': [odd(Array.from({ length: 33 }, (_, i) => `int m${i};`).join(' ')),
    'an event with more than 32 members needs WEIR_DESCRIBE(Type, member, ...) beside its definition'],
  'an event without JSON form as result': [flow('Odd run(const Start&) { return {}; }').replace('struct Flow', 'struct Odd { void* p; };\nstruct Flow'),
    NO_FORM, ...names('Odd', 'p')],
};
if (/\b12\./.test(spawnSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' }).stdout)) {
  WRONG['braced wait options inside co_await'] = [
    flow('weir::Task<Stop> run(weir::Context& ctx, const Start&) { co_await ctx.wait_for_event<Other>({.id = "x"}); co_return Stop{1}; }'),
    'g++ 12 destroys braced temporaries inside co_await twice: give the WaitOptions a name, then await with it'];
  WRONG['an owning lambda inside co_await'] = [
    flow('weir::Task<Stop> run(weir::Context& ctx, const Start&) { std::string s; co_await ctx.blocking([s] { return s; }); co_return Stop{1}; }'),
    'g++ 12 destroys temporaries that own something twice inside co_await: give the lambda, or the message, a name first'];
}

for (const [name, [text, sentence, shown]] of Object.entries(WRONG))
  test(name, () => {
    const { ok, sentences, stderr, first, lines } = compile(text);
    assert.equal(ok, false, 'it must not compile');
    assert.ok(sentences.includes(sentence), stderr.slice(0, 3000));
    assert.equal(sentences.length, 1, `one sentence, not ${JSON.stringify(sentences)}`);
    assert.ok(first.includes(sentence), `the sentence first, not ${first}`);
    if (shown) assert.match(stderr, shown);
    if (!LONGER.test(name)) assert.ok(lines < lines_max, `${lines} lines:\n${stderr}`);
  });

test('the same program without the mistake compiles', () => {
  const { ok, stderr } = compile(flow('Stop run(weir::Context&, const Start&) { return {1}; }'));
  assert.ok(ok, stderr);
});

const readme = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```cpp\n([^]*?)```/g)].map(([, snippet]) => snippet);
const snippet = what => readme.find(text => text.includes(what)) ?? assert.fail(`README has no snippet with ${what}`);
const STRICT = ['-Wall', '-Wextra', '-Werror'];

test('README\'s server and its client compile without a warning', () => {
  const server = snippet('#include <weir/weir.hpp>');
  const client = `${server.slice(0, server.indexOf('int main'))}
#include <weir/client.hpp>
#include <iostream>
void use() {
${snippet('const weir::Client client')}}
`;
  for (const text of [server, client]) {
    const { ok, stderr } = compile(text, STRICT);
    assert.ok(ok, stderr);
  }
});
