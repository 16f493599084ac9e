// Which body's context belongs to this thread at the moment.
#pragma once

#include <weir/context.hpp>

#include <utility>

namespace weir::runtime {

/// What user code that runs on this thread may use of a context.
struct OnThisThread {
  Context* context = nullptr;
  bool job = false;       ///< of the body, which awaits it elsewhere
  bool may_block = true;  ///< false: an actor's thread
};

/// While it lives, this thread runs the context's body, or a job of it.
class CurrentContext {
public:
  explicit CurrentContext(OnThisThread now) : before_(std::exchange(here(), now)) {}
  ~CurrentContext() { here() = before_; }
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

  static OnThisThread& here() noexcept;

private:
  OnThisThread before_;
};

}  // namespace weir::runtime
