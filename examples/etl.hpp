// ETL over SQLite: rows of one database are read in batches, cleaned in parallel and written to another.
#pragma once

#include <weir/weir.hpp>

#include <sqlite3.h>

#include <functional>
#include <memory>
#include <stdexcept>

namespace examples {

struct Transfer {
  using kind = weir::StartEvent;
  std::string source;  ///< a database with a table raw(name TEXT, amount TEXT)
  std::string target;  ///< gets a table clean(name TEXT, cents INTEGER)
  int batch_size = 100;
};
struct Row {
  std::string name;
  std::string amount;
};
struct Batch {
  std::vector<Row> rows;
};
struct CleanRow {
  std::string name;
  std::int64_t cents;
};
struct CleanBatch {
  std::vector<CleanRow> rows;
  int rejected;
};
struct Transferred {
  using kind = weir::StopEvent;
  int written;
  int rejected;
};

/// Just enough of a database connection.
class Database {
public:
  explicit Database(const std::string& path) {
    sqlite3* opened = nullptr;
    const bool ok = sqlite3_open(path.c_str(), &opened) == SQLITE_OK;
    handle_.reset(opened);
    if (!ok) fail();
  }
  void run(const std::string& sql, const std::vector<std::string>& values = {}, const std::function<void(sqlite3_stmt*)>& row = nullptr) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK) fail();
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, &sqlite3_finalize);
    for (std::size_t i = 0; i < values.size(); ++i)
      sqlite3_bind_text(prepared, static_cast<int>(i + 1), values[i].c_str(), -1, SQLITE_TRANSIENT);
    int result = 0;
    while ((result = sqlite3_step(prepared)) == SQLITE_ROW)
      if (row) row(prepared);
    if (result != SQLITE_DONE) fail();
  }

private:
  [[noreturn]] void fail() const { throw std::runtime_error(sqlite3_errmsg(handle_.get())); }

  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

struct EtlFlow : weir::Workflow {
  EtlFlow() {
    step<&EtlFlow::extract>().blocking();
    step<&EtlFlow::transform>().num_workers(4);
    step<&EtlFlow::load>().blocking();
    description("Moves rows from one database to another and cleans them on the way.");
  }

  std::vector<Batch> extract(weir::Context& ctx, const Transfer& transfer) {
    ctx.store().set("target", transfer.target);
    std::vector<Batch> out;
    Database(transfer.source).run("SELECT name, amount FROM raw ORDER BY rowid", {}, [&](sqlite3_stmt* row) {
      const auto text = [&](int column) { return std::string(reinterpret_cast<const char*>(sqlite3_column_text(row, column))); };
      if (out.empty() || out.back().rows.size() >= static_cast<std::size_t>(transfer.batch_size)) out.emplace_back();
      out.back().rows.push_back({text(0), text(1)});
    });
    return out;
  }

  CleanBatch transform(const Batch& batch) {
    CleanBatch out{{}, 0};
    for (const auto& row : batch.rows) {
      char* end = nullptr;
      const double amount = std::strtod(row.amount.c_str(), &end);
      if (row.name.empty() || end == row.amount.c_str() || *end) ++out.rejected;
      else out.rows.push_back({row.name, static_cast<std::int64_t>(amount * 100 + 0.5)});
    }
    return out;
  }

  Transferred load(weir::Context& ctx, const std::vector<CleanBatch>& batches) {
    Transferred out{0, 0};
    Database target(ctx.store().get<std::string>("target"));
    // The step may run again after a crash: one transaction, and a table that is filled from nothing.
    target.run("BEGIN IMMEDIATE");
    target.run("CREATE TABLE IF NOT EXISTS clean (name TEXT, cents INTEGER)");
    target.run("DELETE FROM clean");
    for (const auto& batch : batches) {
      out.rejected += batch.rejected;
      for (const auto& row : batch.rows) {
        target.run("INSERT INTO clean VALUES (?, ?)", {row.name, std::to_string(row.cents)});
        ++out.written;
      }
    }
    target.run("COMMIT");
    return out;
  }
};

}  // namespace examples
