// The event-log actor: feeds any number of readers of one run, each at its own pace: with what has just become visible, or from
// the store.
#pragma once

#include "actors/runtime/live/live_run.hpp"
#include "actors/runtime/messages/subscription.hpp"
#include "recent_rows.hpp"

#include <memory>
#include <vector>

namespace weir::runtime {

class EventLog {
public:
  static constexpr const char* actor_name = "weir.event-log";

  /// `run_over`: no further events will come.
  EventLog(EventLogActor::base* self, Environment& environment, bool run_over);
  ~EventLog();
  EventLogActor::behavior_type make_behavior();

private:
  struct Reader {
    std::shared_ptr<Subscription> subscription;
    bool ready = true;
    bool reading = false;  ///< the store is being read for it
    bool stale = false;    ///< something has become visible since that began
  };

  void add(std::shared_ptr<Subscription> subscription);
  void resume(const Subscription& subscription);
  void appended(const SharedRows& rows);
  void feed_all();
  /// False when the reader is done.
  bool feed(Reader& reader);
  void read_store(Reader& reader);
  void store_was_read(ReadFromStore& read);
  /// False when that was the end.
  bool deliver(Reader& reader, StreamBatch batch);
  bool give_next(Reader& reader);
  /// What cannot be read, or given away, ends its reader's stream, not this actor: who reads comes again.
  template <class F>
  bool guarded(Reader& reader, F&& give);
  static void end(Subscription& subscription);
  void look_again();
  void leave_if_done();
  std::vector<Reader>::iterator find(const Subscription& subscription);

  EventLogActor::base* self_;
  Environment& environment_;
  bool run_over_;
  bool looking_again_ = false;  ///< a time for that is set
  RecentRows recent_;
  std::vector<Reader> readers_;
};

}  // namespace weir::runtime
