// Readers of a run that is alive: who keeps up is fed from memory, who does not from the store.
#include <doctest/doctest.h>

#include "actors/runtime/read/recent_rows.hpp"
#include "flows.hpp"
#include "tests/store/forwarding_store.hpp"
#include "tests/store/rows.hpp"
#include "tests/store/temporary.hpp"

using namespace flows;
using weir::Context;
using weir::EventRow;
using weir::Runtime;
using weir::StartEvent;
using weir::StopEvent;
using weir::Task;
using weir::runtime::RecentRows;

namespace {

EventRow event(std::int64_t sequence, bool internal = false, const std::string& text = "{}", bool terminal = false) {
  return {sequence, {}, internal, terminal, std::make_shared<store_rows::Text>(text), 0, 0, nullptr};
}

std::vector<std::int64_t> sequences(const weir::runtime::StreamBatch& batch) {
  std::vector<std::int64_t> out;
  for (const auto& row : batch.rows) out.push_back(row.sequence);
  return out;
}

class CountingStore final : public ForwardingStore {
public:
  using ForwardingStore::ForwardingStore;
  std::vector<EventRow> read_events(std::string_view run, std::int64_t after, std::size_t limit) const override {
    ++reads;
    return inner_->read_events(run, after, limit);
  }
  mutable std::atomic<int> reads = 0;
};

constexpr int rounds = 20;

struct Rounds : weir::Workflow {
  Rounds() {
    step<&Rounds::run>();
    no_timeout();
  }
  Task<StopEvent> run(Context& ctx, const StartEvent&) {
    for (int i = 0; i < rounds; ++i) {
      const weir::WaitOptions asking{.publish = Review{"next"}};
      co_await ctx.wait_for_event<Verdict>(asking);
      ctx.write_event_to_stream(Note{i});
    }
    co_return StopEvent{};
  }
};

}  // namespace

TEST_CASE("recent events cover a cursor when nothing is missing behind it") {
  RecentRows recent(true);
  CHECK_FALSE(recent.covers(-1));
  recent.add({event(3), event(4, true)});
  CHECK_FALSE(recent.covers(1));
  CHECK(recent.covers(2));
  std::int64_t cursor = 2;
  CHECK(sequences(recent.after(cursor, false, false)) == std::vector<std::int64_t>{3});
  CHECK(cursor == 4);
  CHECK(recent.after(cursor, true, false).rows.empty());
  CHECK(recent.after(cursor, true, true).end);
  recent.add({event(7)});
  CHECK_FALSE(recent.covers(4));
  CHECK(recent.covers(6));
  recent.add({event(8, false, "{}", true)});
  cursor = 6;
  const auto last = recent.after(cursor, false, false);
  CHECK(sequences(last) == std::vector<std::int64_t>{7, 8});
  CHECK(last.end);
}

TEST_CASE("recent events have bounds, in rows and in bytes") {
  RecentRows many(true), large(true), uncounted(false);
  for (std::int64_t i = 0; i < 3000; ++i) many.add({event(i)});
  CHECK_FALSE(many.covers(2999 - static_cast<std::int64_t>(RecentRows::rows_max) - 1));
  CHECK(many.covers(2999 - static_cast<std::int64_t>(RecentRows::rows_max)));
  const std::string text(RecentRows::bytes_max / 2, 'x');
  for (std::int64_t i = 0; i < 10; ++i) {
    large.add({event(i, false, text)});
    uncounted.add({event(i, false, text)});
  }
  CHECK_FALSE(large.covers(6));
  CHECK(large.covers(8));
  CHECK(uncounted.covers(-1));
}

TEST_CASE("the store is not read for a reader who keeps up with a run") {
  const TemporaryFolder folder;
  const auto store = std::make_shared<CountingStore>(weir::sqlite(folder.file("weir.db"), {.sync = weir::SqliteSync::normal}));
  weir::RuntimeOptions options;
  options.store = store;
  Runtime runtime(options);
  runtime.add_workflow("rounds", std::make_shared<Rounds>(), {});
  const auto run = runtime.start("rounds", StartEvent());
  auto events = run.events();
  int before = 0, notes = 0;
  while (const auto read = events.next()) {
    if (read->as<Review>()) {
      if (notes == 1) before = store->reads;
      CHECK(run.send_event(Verdict{true}).ok());
    }
    if (read->as<Note>()) ++notes;
  }
  CHECK(notes == rounds);
  CHECK(store->reads - before <= 2);
}
