// Wrong programs: each must fail to compile, and the compiler must say the expected sentence exactly once.
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
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

function compile(text) {
  const includes = ['actors/include', 'persistence/include', 'http/include'].map(path => `-I${join(root, path)}`);
  const { status, stderr } = spawnSync(compiler, ['-std=c++20', '-fsyntax-only', ...includes, '-x', 'c++', '-'], { input: text, encoding: 'utf8' });
  const sentences = [...stderr.matchAll(/static assertion failed: (.*)/g)].map(([, sentence]) => sentence);
  return { ok: status === 0, sentences, stderr };
}

const AT_LEAST_ONE = 'a step takes at least one event: write `Result step(const SomeEvent&)` or `Result step(weir::Context&, const SomeEvent&)`';
const SINGLE_VECTOR = 'a std::vector of events cannot be combined with other event parameters: use a single vector, or several single events';
const FACTORY = 'a resource\'s factory takes nothing, or weir::Resource<T> for each resource it needs';
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
  'a member without JSON form': [`${PREAMBLE} struct Odd { void* pointer; }; auto& type = weir::event_type<Odd>();`,
    'this member\'s type has no JSON form: use a plain struct, or name its members with WEIR_DESCRIBE'],
};
if (/\b12\./.test(spawnSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' }).stdout)) {
  WRONG['braced wait options inside co_await'] = [
    flow('weir::Task<Stop> run(weir::Context& ctx, const Start&) { co_await ctx.wait_for_event<Other>({.id = "x"}); co_return Stop{1}; }'),
    'g++ 12 destroys braced temporaries inside co_await twice: give the WaitOptions a name, then await with it'];
  WRONG['an owning lambda inside co_await'] = [
    flow('weir::Task<Stop> run(weir::Context& ctx, const Start&) { std::string s; co_await ctx.blocking([s] { return s; }); co_return Stop{1}; }'),
    'g++ 12 destroys temporaries that own something twice inside co_await: give the lambda, or the message, a name first'];
}

for (const [name, [text, sentence]] of Object.entries(WRONG))
  test(name, () => {
    const { ok, sentences, stderr } = compile(text);
    assert.equal(ok, false, 'it must not compile');
    assert.ok(sentences.includes(sentence), stderr.slice(0, 3000));
    assert.equal(sentences.length, 1, `one sentence, not ${JSON.stringify(sentences)}`);
  });

test('the same program without the mistake compiles', () => {
  const { ok, stderr } = compile(flow('Stop run(weir::Context&, const Start&) { return {1}; }'));
  assert.ok(ok, stderr);
});
