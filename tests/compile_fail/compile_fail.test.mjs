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

const EXACTLY_ONE = 'a step takes exactly one event: write `Result step(const SomeEvent&)` or `Result step(weir::Context&, const SomeEvent&)`';
const WRONG = {
  'no event': [flow('Stop run(weir::Context&) { return {}; }'), EXACTLY_ONE],
  'two events': [flow('Stop run(const Start&, const Other&) { return {}; }'), EXACTLY_ONE],
  'no event type': [flow('Stop run(int) { return {}; }'), 'a step takes an event by `const Event&`, several as std::variant, or a stream as std::vector'],
  'no event as result': [flow('int run(const Start&) { return 0; }'),
    'a step returns an event, a std::optional, std::variant or std::vector of events, or void'],
  'no member function': [`${PREAMBLE} Stop run(const Start&) { return {}; }
    struct Flow : weir::Workflow { Flow() { step<&run>(); } }; int main() { Flow flow; }`,
    'step<&Flow::method>() takes a non-static member function of the workflow'],
  'a member without JSON form': [`${PREAMBLE} struct Odd { void* pointer; }; auto& type = weir::event_type<Odd>();`,
    'this member\'s type has no JSON form: use a plain struct, or name its members with WEIR_DESCRIBE'],
};
if (/\b12\./.test(spawnSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' }).stdout)) {
  WRONG['braced wait options inside co_await'] = [
    flow('weir::Task<Stop> run(weir::Context& ctx, const Start&) { co_await ctx.wait_for_event<Other>({.id = "x"}); co_return Stop{1}; }'),
    'g++ 12 destroys braced temporaries inside co_await twice: give the WaitOptions a name, then await with it'];
  WRONG['an owning lambda inside co_await'] = [
    flow('weir::Task<Stop> run(weir::Context& ctx, const Start&) { std::string s; co_await ctx.blocking([s] { return s; }); co_return Stop{1}; }'),
    'g++ 12 destroys lambdas that own what they capture twice inside co_await: capture by reference, or give the lambda a name first'];
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
