// Connections that read, lent to one thread at a time, in the order in which they were asked for.
#pragma once

#include "database.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace weir::sqlite_detail {

/// Thread-safe.
class ConnectionPool {
public:
  /// Opens the first connection; the others when they are needed.
  ConnectionPool(std::string path, std::size_t connections_max, std::chrono::milliseconds lock_timeout);

  /// Give it back before asking for another one.
  class Lease {
  public:
    Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection) : pool_(pool), connection_(std::move(connection)) {}
    ~Lease() { pool_.give_back(std::move(connection_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Connection& operator*() const noexcept { return *connection_; }

  private:
    ConnectionPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Waits for its turn, which comes soon: nobody keeps a connection for long. Throws DatabaseError when it does not come, or when a
  /// connection cannot be opened.
  Lease take();

private:
  std::unique_ptr<Connection> open() const;
  void give_back(std::unique_ptr<Connection> connection) noexcept;

  const std::string path_;
  const std::size_t connections_max_;
  const std::chrono::milliseconds lock_timeout_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t lent_ = 0;
  std::uint64_t next_ticket_ = 0, served_ = 0;
};

}  // namespace weir::sqlite_detail
