// The thread on which all connections live, and what is under way there.
#pragma once

#include "action_queue.hpp"
#include "gate.hpp"

#include "http/access/callers.hpp"

#include <weir/assert.hpp>
#include <weir/runtime_options.hpp>
#include <weir/time.hpp>

#include <restinio/all.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

struct IoThread;

class AsioLoop final : public Loop {
public:
  explicit AsioLoop(IoThread& thread) : thread_(thread) {}
  void post(std::function<void()> action) override;
  std::shared_ptr<void> after(std::chrono::milliseconds delay, std::function<void()> action) override;

private:
  IoThread& thread_;
};

struct IoThread : std::enable_shared_from_this<IoThread> {
  asio::io_context context{1};
  AsioLoop loop{*this};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work = asio::make_work_guard(context);
  std::function<Cors(std::string_view origin, std::string_view host)> cors;
  std::promise<void> ran_out;  ///< the thread has nothing left to do
  std::mutex mutex;
  std::condition_variable idle;
  std::size_t owed = 0;  ///< plain answers that have not been given
  std::size_t open = 0;  ///< exchanges, streams among them
  struct GivenBack {
    restinio::request_handle_t request;
    Gate* unanswered;  ///< its connection ends, so that the client does not wait for ever
  };
  std::atomic<bool> ended = false;  ///< nobody runs the context any more
  std::mutex draining;
  static constexpr auto posted_for_max = std::chrono::milliseconds(1);
  ActionQueue posted;
  std::mutex given_back_mutex;
  std::vector<GivenBack> given_back;

  bool is_this_thread() { return context.get_executor().running_in_this_thread(); }

  /// Done in the order in which it was posted, for a moment at a time: the sockets are looked at in between, however much others post.
  /// Any thread. When the thread has ended it is done at once: what waits for ever would keep its connection, which keeps the context.
  template <class F>
  void post(F action) {
    if (posted.push(std::move(action))) wake();
  }
  void wake() {
    asio::post(context, [this] {
      if (posted.work(later(std::chrono::steady_clock::now(), posted_for_max), [this] { wake(); })) wake();
    });
    if (ended && !is_this_thread()) drain();
  }
  void drain() {
    const auto self = shared_from_this();  // what is done may let go of the last other reference
    const std::lock_guard lock(draining);
    context.restart();
    context.poll();
  }

  /// Until there is nothing left to do. An exception that somebody's callback lets out costs what it was about, not the thread.
  void run(const std::function<void(LogLevel, const std::string&)>& log) {
    for (bool done = false; !done;) {
      std::string reason = "an exception that is no std::exception";
      try {
        context.run();
        done = true;
        continue;
      } catch (const std::exception& error) { reason = error.what(); } catch (...) {
      }
      log(LogLevel::error, "on the I/O thread: " + reason);
    }
    ran_out.set_value();
  }

  void take_back(GivenBack last) {
    if (last.unanswered) last.unanswered->cut();
    last.request.reset();
    subtract(&IoThread::open);
  }

  /// A request may hold the last reference to a connection, which is for the I/O thread alone. Taken there in one go with
  /// those that others give back meanwhile.
  void give_back(GivenBack last) {
    {
      const std::lock_guard lock(given_back_mutex);
      given_back.push_back(std::move(last));
      if (given_back.size() > 1) return;
    }
    post([this] {
      std::vector<GivenBack> taken;
      {
        const std::lock_guard lock(given_back_mutex);
        taken.swap(given_back);
      }
      for (auto& each : taken) take_back(std::move(each));
    });
  }

  void add(std::size_t IoThread::*count) {
    const std::lock_guard lock(mutex);
    ++(this->*count);
  }
  void subtract(std::size_t IoThread::*count) {
    const std::lock_guard lock(mutex);
    WEIR_ASSERT(this->*count > 0, "what is under way ends once");
    if (--(this->*count) == 0) idle.notify_all();
  }
  void wait_for_none(std::size_t IoThread::*count, Duration timeout) {
    std::unique_lock lock(mutex);
    idle.wait_until(lock, later(std::chrono::steady_clock::now(), timeout), [&] { return this->*count == 0; });
  }
  /// Returns when what was posted to the thread before has been done.
  void catch_up() {
    auto done = std::make_shared<std::promise<void>>();
    loop.post([done] { done->set_value(); });
    done->get_future().wait_for(std::chrono::seconds(1));
  }
};

inline void AsioLoop::post(std::function<void()> action) { thread_.post(std::move(action)); }

inline std::shared_ptr<void> AsioLoop::after(std::chrono::milliseconds delay, std::function<void()> action) {
  auto timer = std::make_shared<asio::steady_timer>(thread_.context, later(std::chrono::steady_clock::now(), delay));
  timer->async_wait([action = std::move(action)](const asio::error_code& error) {
    if (!error) action();
  });
  return timer;
}

}  // namespace weir::http
