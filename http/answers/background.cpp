#include "background.hpp"

#include <stdexcept>

namespace weir::http {
namespace {

Response too_busy() { return failure({Code::unavailable, "The server is busy: nothing was done, try again"}); }

void expire_later(const std::shared_ptr<Workers>& workers, Loop& loop) {
  workers->keep_timer(loop.after(workers->pool().wait_max, [weak = std::weak_ptr(workers), &loop] {
    if (const auto there = weak.lock(); there && there->expire()) expire_later(there, loop);
  }));
}

}  // namespace

Response caught(const Call& call) {
  std::string reason = "an exception that is no std::exception";
  try {
    throw;
  } catch (const std::invalid_argument& error) { return problem(400, error.what()); } catch (const StoreFailure& error) {
    return failure({error.code, error.what()});
  } catch (const std::exception& error) { reason = error.what(); } catch (...) {
  }
  call.app.service.log(LogLevel::error, "request failed: " + reason);
  return problem(500, "Internal server error: the server's log says more");
}

Call watched(Call call) {
  // The listener must not keep the exchange alive.
  call.gone = std::stop_source();
  call.exchange->on_closed([gone = call.gone]() mutable { gone.request_stop(); });
  return call;
}

void off_the_loop(const Call& call, Work kind, std::function<void(const Call&)> work) {
  // A request with a key has others that wait for its answer.
  const bool may_be_given_up = kind == Work::search && !call.gone.stop_possible() && !call.answer;
  off_the_loop(call.app.workers(kind), may_be_given_up ? watched(call) : call, std::move(work));
}

void off_the_loop(const std::shared_ptr<Workers>& workers, const Call& call, std::function<void(const Call&)> work) {
  Job job{.run = [call, work = std::move(work)] { do_guarded(call, work); },
          .expired = [call] { call.respond(too_busy()); },
          .gone = call.gone};
  if (!workers->submit(std::move(job))) return call.respond(too_busy());
  if (workers->wants_timer()) expire_later(workers, call.exchange->loop());
}

Response failure(const Error& error, std::string_view before) {
  const auto status = [&] {
    switch (error.code) {
      case Code::invalid_argument: return 400;
      case Code::not_found: return 404;
      case Code::conflict:
      case Code::failed_precondition: return 409;
      case Code::resource_exhausted: return 429;
      case Code::unavailable:
      case Code::deadline_exceeded:
      case Code::cancelled: return 503;
      default: return 500;
    }
  }();
  auto response = problem(status, std::string(before) + error.message);
  if (status == 503 || status == 429) response.headers.emplace_back("retry-after", "1");
  return response;
}

}  // namespace weir::http
