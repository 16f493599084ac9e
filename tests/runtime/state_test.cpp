// ctx.store(): paths, typed views, exclusive edits, names (contract 5.15).
#include <doctest/doctest.h>

#include "flows.hpp"

using namespace flows;
using weir::Object;
using weir::Runtime;
using weir::StartEvent;
using weir::StateStore;
using weir::StopEvent;
using weir::Value;

namespace {
struct Cart {
  int items = 0;
  std::string owner = "nobody";
};
}  // namespace

TEST_CASE("values are reached by path through objects and arrays") {
  StateStore store;
  store.set("cart.owner", "Ada");
  store.set("cart.lines", std::vector<int>{4, 5});
  CHECK(store.get<std::string>("cart.owner") == "Ada");
  CHECK(store.get<int>("cart.lines.1") == 5);
  CHECK(store.get<int>("cart.lines.2", 9) == 9);
  CHECK(store.get("").as_object().size() == 1);
  CHECK_THROWS_WITH_AS(store.get("a.b"), "Path 'a.b' not found in state", std::out_of_range);
  CHECK_THROWS_WITH_AS(store.set("", 1), "Path cannot be empty", std::invalid_argument);
  std::string deep = "x";
  for (int i = 0; i < 1000; ++i) deep += ".x";
  CHECK_THROWS_WITH_AS(store.set(deep, 1), "Path length exceeds 1000 segments", std::invalid_argument);
}

TEST_CASE("a path counts an array's elements from the front or, negative, from the back") {
  StateStore store;
  store.set("a", std::vector<int>{1, 2, 3});
  store.set("a.-1", 30);
  store.set("a.0", 10);
  store.set("a.-2", Value(Object()));
  store.set("a.1.x.y", 20);
  CHECK(weir::to_json(store.get("a")) == R"([10,{"x":{"y":20}},30])");
  CHECK(store.get<int>("a.-1") == 30);
  CHECK(store.get<int>("a.-3") == 10);
  CHECK(store.get<int>("a.-4", 9) == 9);
  store.set("b..c", 2);  // the empty name is one, as everywhere in JSON
  CHECK(weir::to_json(store.get("b")) == R"({"":{"c":2}})");
  store.set("b.", 1);
  CHECK(weir::to_json(store.get("b")) == R"({"":1})");
}

TEST_CASE("a path that leads where nothing can be set is refused, and the value is kept") {
  StateStore store;
  store.set("a", std::vector<int>{1, 2, 3});
  store.set("text", "hello");
  store.set("number", 1.5);
  store.set("yes", true);
  store.set("nothing", Value());
  const auto before = weir::to_json(store.snapshot());
  const auto refused = [&](const char* path) -> std::string {
    try {
      store.set(path, 5);
    } catch (const std::invalid_argument& error) { return error.what(); }
    return "";
  };
  CHECK(refused("a.3") == "Path 'a.3' cannot be set: 'a' is an array of 3, which has no element '3'");
  CHECK(refused("a.-4") == "Path 'a.-4' cannot be set: 'a' is an array of 3, which has no element '-4'");
  for (const auto* path : {"a.7", "a.7.x", "a.x", "a.", "a.1x", "a.99999999999999999999"})
    CHECK_MESSAGE(refused(path).find("'a' is an array of 3") != std::string::npos, path);
  CHECK(refused("a.0.b").find("'a.0' is a number, which has no members, and so no 'b'") != std::string::npos);
  CHECK(refused("text.b") == "Path 'text.b' cannot be set: 'text' is a text, which has no members, and so no 'b'");
  CHECK(refused("text.0").find("'text' is a text") != std::string::npos);
  CHECK(refused("number.b.c").find("'number' is a number") != std::string::npos);
  CHECK(refused("yes.b").find("'yes' is true or false") != std::string::npos);
  CHECK(refused("nothing.b").find("'nothing' is null") != std::string::npos);
  CHECK(weir::to_json(store.snapshot()) == before);
}

TEST_CASE("a typed view keeps other keys, and knows its defaults") {
  StateStore store;
  store.set("other", 1);
  CHECK(store.get_state<Cart>().owner == "nobody");
  store.set_state(Cart{2, "Ada"});
  CHECK(store.get<int>("items") == 2);
  CHECK(store.get<int>("other") == 1);
  store.clear<Cart>();
  CHECK(store.get_state() == Object{{"items", 0}, {"owner", "nobody"}});
  store.set_state(Object{{"a", 1}});
  CHECK(store.get_state() == Object{{"a", 1}});
  store.clear();
  CHECK(store.get_state().empty());
  store.set("items", "many");
  CHECK_THROWS_AS(store.get_state<Cart>(), std::invalid_argument);
}

TEST_CASE("an edit is exclusive and all or nothing; readers see what was there before; a write inside it is refused") {
  StateStore store(Object{{"items", 1}});
  CHECK_THROWS_AS(store.edit<Cart>([](Cart& cart) {
    cart.items = 5;
    throw std::runtime_error("no");
  }),
                  std::runtime_error);
  CHECK(store.get<int>("items") == 1);
  store.edit([&](Object& state) {
    state.set("items", 2);
    CHECK(store.get<int>("items") == 1);
    CHECK_THROWS_WITH_AS(store.set("items", 3), "the state is written to inside edit(): change what its callback is given instead",
                         std::logic_error);
  });
  CHECK(store.get<int>("items") == 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) store.edit<Cart>([](Cart& cart) { ++cart.items; });
    });
  for (auto& thread : threads) thread.join();
  CHECK(store.get<int>("items") == 2002);
}

TEST_CASE("named stores stand beside the main one, and go on with the handler") {
  Runtime runtime;
  runtime.add_workflow<Plain>("w", [](weir::Context& ctx) {
    auto& tools = ctx.store("tools");
    tools.set("n", tools.get("n", 0) + 1);
    ctx.store().set("n", ctx.store().get("n", 0) + 10);
    return StopEvent{Value(Value::Array{tools.get("n"), ctx.store().get("n")})};
  });
  CHECK(to_json(runtime.start("w", StartEvent(), "h").result<Value>()) == "[1,10]");
  CHECK(to_json(runtime.start("w", StartEvent(), "h").result<Value>()) == "[2,20]");
}
