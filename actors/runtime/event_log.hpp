// The event-log actor: feeds any number of readers of one run, each at its own pace, from the store.
#pragma once

#include "live_run.hpp"
#include "subscription.hpp"

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
  };

  void add(std::shared_ptr<Subscription> subscription);
  void resume(const Subscription& subscription);
  void feed_all();
  /// False when the reader is done.
  bool feed(Reader& reader);
  bool give_next(Reader& reader);
  static void end(Subscription& subscription);
  void look_again();
  void leave_if_done();

  EventLogActor::base* self_;
  Environment& environment_;
  bool run_over_;
  bool looking_again_ = false;  ///< a time for that is set
  std::vector<Reader> readers_;
};

}  // namespace weir::runtime
