// The events of random programs. Most carry a piece of program: `ops` is what the step that takes it does, `fix` what is done instead
// when it fails. `id` is unique within a program.
#pragma once

#include <weir/weir.hpp>

#include <cstdint>
#include <string>

namespace crash {
using weir::Value;

struct Begin {
  using kind = weir::StartEvent;
  std::int64_t id;
  Value ops, fix;
};
// clang-format off
struct Chain { std::int64_t id; Value ops, fix; };
struct Slow { std::int64_t id; Value ops, fix; };
struct Retry { std::int64_t id; Value ops, fix; };
struct Timed { std::int64_t id; Value ops, fix; };
struct Blocking { std::int64_t id; Value ops, fix; };
struct Plain { std::int64_t id; Value ops, fix; };
struct Next { std::int64_t id; Value ops, fix; };
struct Item { std::int64_t id; Value ops, fix; };
struct Row { std::int64_t id; Value ops, fix; };
struct Side { std::int64_t id; Value ops, fix; };
struct ChildMore { std::int64_t id; Value ops, fix; };
// clang-format on

struct ChildStart {
  using kind = weir::StartEvent;
  std::int64_t id;
  Value ops, fix;
};
struct LoudChildStart {
  using kind = weir::StartEvent;
  std::int64_t id;
  Value ops, fix;
};
/// `then` is the operation with which the parent goes on.
struct ChildDone {
  using kind = weir::StopEvent;
  std::int64_t id;
  Value then;
};

/// What a join waits for; `then` {id, ops} is what comes behind it.
struct Part {
  std::int64_t id;
  Value then;
};
/// The same, joined by collect_events: `of` belong together.
struct SideDone {
  std::int64_t id, of;
  Value then;
};
/// Sent by clients, becomes a SideDone.
struct Push {
  using kind = weir::HumanResponseEvent;
  std::int64_t id, of;
  Value then;
};
struct Sum {
  std::int64_t id;
};

/// A line in the stream: the n-th of a body, whose chain is "ID.RETRY".
struct Note {
  std::string chain;
  std::int64_t n;
  std::string text;
};
/// A question that a body waits for.
struct Ask {
  using kind = weir::InputRequiredEvent;
  std::string key;
};
struct Reply {
  using kind = weir::HumanResponseEvent;
  std::string key, text;
};
/// A question between two steps: it comes back as a Handback with the same fields.
struct Handout {
  using kind = weir::InputRequiredEvent;
  std::int64_t id;
  Value ops, fix;
};
struct Handback {
  using kind = weir::HumanResponseEvent;
  std::int64_t id;
  Value ops, fix;
};

}  // namespace crash
