// Rows for tests of the store contract, and the stores to try them on.
#pragma once

#include "temporary.hpp"

#include <weir/store.hpp>

#include <memory>
#include <string>
#include <utility>

namespace store_rows {

struct Text final : weir::EventPayload {
  explicit Text(std::string given) : text(std::move(given)) {}
  std::string_view json() const override { return text; }
  std::string_view frame() const override { return text; }
  std::string json_without_qualified_name() const override { return text; }
  std::string text;
};

inline weir::HandlerRow row(const std::string& id, const std::string& run, weir::HandlerStatus status = weir::HandlerStatus::running,
                            const std::string& workflow = "w") {
  weir::HandlerRow out;
  out.handler_id = id;
  out.run_id = run;
  out.workflow_name = workflow;
  out.status = status;
  return out;
}

inline weir::HandlerRow child_row(const std::string& id, const std::string& run, const std::string& parent) {
  auto out = row(id, run);
  out.parent_handler_id = parent;
  return out;
}

inline weir::EventRow event(std::int64_t sequence, bool terminal = false) {
  return {sequence, weir::Time(), false, terminal, std::make_shared<Text>("e" + std::to_string(sequence))};
}

/// The run's first commit.
inline weir::Commit first(const weir::HandlerRow& begun) {
  return {.run_id = begun.run_id, .begin = begun, .ticks = {{1, weir::Time(), "one"}}, .events = {event(0)}, .handler = {}, .states = {}};
}

/// One with a tick and the event that goes with it.
inline weir::Commit later(const std::string& run, std::int64_t tick, std::string text = "more") {
  return {.run_id = run, .ticks = {{tick, weir::Time(), std::move(text)}}, .events = {event(tick - 1)}, .handler = {}, .states = {}};
}

/// One kind of store, new and empty.
struct Kind {
  bool durable;
  std::shared_ptr<TemporaryFolder> folder;
  std::shared_ptr<weir::Store> open() const { return durable ? weir::sqlite(folder->file("weir.db")) : weir::memory(); }
};

/// Runs the test that calls it once for each kind.
inline Kind any_kind() {
  Kind out{false, std::make_shared<TemporaryFolder>()};
  SUBCASE("memory") { out.durable = false; }
  SUBCASE("sqlite") { out.durable = true; }
  return out;
}

}  // namespace store_rows
