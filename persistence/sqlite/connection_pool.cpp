#include "connection_pool.hpp"

#include <weir/assert.hpp>
#include <weir/time.hpp>

namespace weir::sqlite_detail {
namespace {
/// Far above what a turn takes: who waits longer is told that the database does not answer.
constexpr std::chrono::seconds turn_wait_max{5};
}  // namespace

ConnectionPool::ConnectionPool(std::string path, std::size_t connections_max, std::chrono::milliseconds lock_timeout)
    : path_(std::move(path)), connections_max_(connections_max), lock_timeout_(lock_timeout) {
  idle_.reserve(connections_max);
  idle_.push_back(open());
}

std::unique_ptr<Connection> ConnectionPool::open() const {
  auto out = std::make_unique<Connection>(path_, true);
  out->wait_for_locks(lock_timeout_);
  return out;
}

ConnectionPool::Lease ConnectionPool::take() {
  std::unique_lock lock(mutex_);
  const auto ticket = next_ticket_++;
  const auto my_turn = [&] { return ticket == served_ && lent_ < connections_max_; };
  const bool in_time = changed_.wait_until(lock, later(std::chrono::steady_clock::now(), turn_wait_max), my_turn);
  // Who gives up waits on for its number, not for a connection, so that those behind it are not stuck.
  if (!in_time) changed_.wait(lock, [&] { return ticket == served_; });
  ++served_;
  changed_.notify_all();
  if (!in_time) throw DatabaseError(SQLITE_BUSY, "all connections that read are in use");
  ++lent_;
  if (!idle_.empty()) {
    auto out = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(out)};
  }
  lock.unlock();
  try {
    return {*this, open()};
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) noexcept {
  {
    const std::lock_guard lock(mutex_);
    WEIR_ASSERT(lent_ > 0, "a connection is given back once");
    --lent_;
    if (connection) idle_.push_back(std::move(connection));
  }
  changed_.notify_all();
}

}  // namespace weir::sqlite_detail
