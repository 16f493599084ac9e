// A body that does what its event says: a list of operations, each an array with its name first (programs.mjs writes them).
#pragma once

#include "events.hpp"
#include "ledger.hpp"

#include <poll.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <variant>
#include <vector>

namespace crash {
using weir::Context;
using weir::Task;

struct Boom : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// With what a body ends: one event, a list of them, or the run's result.
struct Ending {
  std::optional<Value> one, list, result;
  bool is_there() const { return one || list || result; }
};

/// A body in progress.
struct Body {
  Body(Context& context, std::int64_t number)
      : ctx(context), id(number), chain(std::to_string(number) + "." + std::to_string(context.retry_info().retry_number)) {}
  void note(const std::string& text) { ctx.write_event_to_stream(Note{chain, notes++, text}); }

  Context& ctx;
  std::int64_t id;
  std::string chain;
  std::int64_t notes = 0;
  std::string nonces;  ///< NAME:NONCE of every recorded effect so far
  Ending ending;
};

/// A made-up piece of work takes so long. Nothing is waited for.
inline void work(std::int64_t milliseconds) { ::poll(nullptr, 0, static_cast<int>(milliseconds)); }

template <class T>
T as(const Value& fields) {
  auto made = weir::from_value<T>(fields);
  if (!made) throw Boom(made.error().message);
  return *std::move(made);
}

inline void add_one(weir::Object& state) {
  const auto* known = state.find("n");
  state.set("n", (known ? known->as_integer() : 0) + 1);
}

/// Operations on streams and states.
inline bool play_writing(Body& body, const std::string& name, const Value::Array& op) {
  auto& ctx = body.ctx;
  if (name == "write") body.note(op[1].as_string());
  else if (name == "fat") body.note(std::string(static_cast<std::size_t>(op[1].as_integer()), 'x'));
  else if (name == "burst")
    for (std::int64_t i = 0; i < op[1].as_integer(); ++i) body.note("b" + std::to_string(i));
  else if (name == "nonces") body.note("nonces " + body.nonces);
  else if (name == "set") ctx.store().set(op[1].as_string(), op[2]);
  else if (name == "set_other") ctx.store("other").set(op[1].as_string(), op[2]);
  else if (name == "add") ctx.store().edit(add_one);
  else if (name == "side") ctx.send_event(as<Side>(op[1]));
  else return false;
  return true;
}

/// Operations that end a body, well or badly, and work that takes a while.
inline bool play_ending(Body& body, const std::string& name, const Value::Array& op) {
  const auto info = body.ctx.retry_info();
  if (name == "attempt")
    body.note("attempt " + std::to_string(info.retry_number) + " " + (info.last_exception ? info.last_exception->exception_message : "-"));
  else if (name == "fail") throw Boom(op[1].as_string());
  else if (name == "fail_until") {
    if (info.retry_number < op[1].as_integer()) throw Boom("again");
  } else if (name == "work") work(op[1].as_integer());
  else if (name == "go") body.ending.one = op[1];
  else if (name == "fan") body.ending.list = op[1];
  else if (name == "stop") body.ending.result = op[1];
  else return false;
  return true;
}

/// What needs no suspension. False: it is something else.
inline bool play_at_once(Body& body, const Value& op) {
  const auto name = op.as_array()[0].as_string();
  return play_writing(body, name, op.as_array()) || play_ending(body, name, op.as_array());
}

/// ["once", NAME, attempts that fail, milliseconds]
inline Task<> play_once(Body& body, Value::Array op) {
  const auto name = op[1].as_string();
  const auto what = body.ctx.run_id() + " " + body.ctx.handler_id() + " " + std::to_string(body.id) + " " + name;
  const bool failing = body.ctx.retry_info().retry_number < op[2].as_integer();
  const auto effect = [what, failing, milliseconds = op[3].as_integer()]() -> std::string {
    if (failing) throw Boom("effect");
    if (milliseconds > 0) work(milliseconds);
    return do_effect(what);
  };
  auto recorded = body.ctx.run_once(name, effect);
  const std::string nonce = co_await std::move(recorded);
  body.nonces += (body.nonces.empty() ? "" : ",") + name + ":" + nonce;
}

/// ["wait", KEY, waiter id or null, milliseconds or null]
inline Task<> play_wait(Body& body, Value::Array op) {
  const auto key = op[1].as_string();
  weir::WaitOptions options;
  options.publish = Ask{key};
  options.requirements = weir::Object{{"key", key}};
  if (op[2].is_string()) options.id = op[2].as_string();
  options.timeout.reset();
  if (!op[3].is_null()) options.timeout = std::chrono::milliseconds(op[3].as_integer());
  std::string text = "late " + key;
  try {
    auto waiting = body.ctx.wait_for_event<Reply>(options);
    const auto reply = co_await waiting;
    text = "got " + reply.text;
  } catch (const weir::WaitTimeout&) {}
  body.note(text);
}

inline Task<> play_all(Body& body, Value ops);

inline Task<> play_suspending(Body& body, Value::Array op) {
  const auto name = op[0].as_string();
  if (name == "sleep") {
    co_await body.ctx.sleep(std::chrono::milliseconds(op[1].as_integer()));
  } else if (name == "blocking") {
    auto doing = body.ctx.blocking([milliseconds = op[1].as_integer()] {
      work(milliseconds);
      return 1;
    });
    co_await std::move(doing);
  } else if (name == "once") {
    auto playing = play_once(body, op);
    co_await std::move(playing);
  } else if (name == "wait") {
    auto playing = play_wait(body, op);
    co_await std::move(playing);
  } else if (name == "loop") {
    for (std::int64_t i = 0; i < op[1].as_integer(); ++i) {
      auto playing = play_all(body, op[2]);
      co_await std::move(playing);
    }
  } else {
    throw Boom("no operation is called " + name);
  }
}

inline Task<> play_all(Body& body, Value ops) {
  for (const auto& op : ops.as_array()) {
    if (body.ending.is_there()) co_return;
    if (play_at_once(body, op)) continue;
    auto playing = play_suspending(body, op.as_array());
    co_await std::move(playing);
  }
}

// ---- from an ending to what a step returns

template <class V, class E>
bool becomes(const Value& spec, std::optional<V>& out) {
  if constexpr (!std::is_same_v<E, std::monostate> && requires(E event) { event.id; }) {
    if (spec.find("type")->as_string() == weir::event_type<E>().name) out = as<E>(spec);
  }
  return out.has_value();
}

/// The events of a list, when V has a list of E.
template <class V, class E>
bool becomes_list(const Value& list, std::optional<V>& out) {
  if constexpr (std::is_constructible_v<V, std::vector<E>>) {
    std::vector<E> events;
    for (const auto& spec : list.as_array()) events.push_back(as<E>(spec));
    out = V(std::move(events));
  }
  return out.has_value();
}

template <class... E>
std::variant<E...> returned(const Ending& ending, std::type_identity<std::variant<E...>>) {
  using V = std::variant<E...>;
  std::optional<V> out;
  if (ending.result) {
    if constexpr ((std::is_same_v<E, weir::StopEvent> || ...)) out = V(weir::StopEvent{*ending.result});
  } else if (ending.list) {
    (void)(becomes_list<V, Item>(*ending.list, out) || becomes_list<V, Row>(*ending.list, out));
  } else if (ending.one) {
    (void)(becomes<V, E>(*ending.one, out) || ...);
  } else {
    return V();
  }
  if (!out) throw Boom("a step may not end like that");
  return *std::move(out);
}

/// Plays a coroutine step's body.
template <class V>
Task<V> played(Context& ctx, std::int64_t id, Value ops) {
  Body body(ctx, id);
  auto playing = play_all(body, std::move(ops));
  co_await std::move(playing);
  co_return returned(body.ending, std::type_identity<V>());
}

/// Plays a plain step's body.
template <class V>
V played_at_once(Context& ctx, std::int64_t id, const Value& ops) {
  Body body(ctx, id);
  for (const auto& op : ops.as_array()) {
    if (body.ending.is_there()) break;
    if (!play_at_once(body, op)) throw Boom("not in a plain step: " + op.as_array()[0].as_string());
  }
  return returned(body.ending, std::type_identity<V>());
}

}  // namespace crash
