// Where a route's work is done: on the I/O thread only what never waits.
#pragma once

#include "app.hpp"

#include <functional>
#include <utility>

namespace weir::http {

/// The answer to the exception that is being handled: std::invalid_argument 400, StoreFailure by its code, anything else 500.
Response caught(const Call& call);

/// What routes do has this one boundary: what `work` throws is answered.
template <class F>
void do_guarded(const Call& call, F&& work) {
  try {
    work(call);
  } catch (...) { call.respond(caught(call)); }
}

/// Does `work` on a thread that may wait. What it throws is answered (`caught`). Too much to do: 503. A search is given up (`Call::gone`)
/// when its client leaves. Any thread.
void off_the_loop(const Call& call, Work kind, std::function<void(const Call&)> work);

/// The same from a callback of the runtime, which may outlive the server's App: `workers` is what off_the_loop would use.
void off_the_loop(const std::shared_ptr<Workers>& workers, const Call& call, std::function<void(const Call&)> work);

/// The call, with a word about whether its client has left meanwhile.
Call watched(Call call);

/// What reads or writes the store: on this thread, if that cannot block, or is made for waiting.
template <class F>
void with_store(const Call& call, Work kind, F&& work) {
  if (!call.app.service.store().durable() || call.app.workers(kind)->here()) return work(call);
  off_the_loop(call, kind, std::forward<F>(work));
}

/// What parses the body: off the loop when that is large.
template <class F>
void with_body(const Call& call, F&& work) {
  if (call.exchange->body().size() <= budget::loop_body_bytes_max) return work(call);
  off_the_loop(call, Work::lookup, std::forward<F>(work));
}

/// The answer to a failure that was foreseen, with `before` in front of what it says.
Response failure(const Error& error, std::string_view before = "");

}  // namespace weir::http
