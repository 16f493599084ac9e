#include "condition.hpp"

namespace weir::sqlite_detail {
namespace {
constexpr std::array names{"read", "written", "copied back from its write-ahead log"};
std::string name(Condition::Doing doing) { return names[static_cast<std::size_t>(doing)]; }
}  // namespace

Error Condition::failed(Doing doing, const DatabaseError& error) {
  const Error out{error.code, error.message};
  if (error.code == Code::data_loss) {
    if (!damaged_.exchange(true))
      tell(StoreTrouble::Level::error, "the database is damaged, nothing more is written to it. Found by: " + std::string(error.what()));
    return out;
  }
  if (error.code != Code::unavailable) {
    tell(StoreTrouble::Level::error, "the database could not be " + name(doing) + ": " + error.message + ". " + error.what());
    return out;
  }
  if (doing == Doing::copying_back && of(Doing::writing).failing) return out;  // the log knows
  {
    auto& side = of(doing);
    const std::lock_guard lock(mutex_);
    if (side.failing && side.told == error.message) return out;
    side.failing = true;
    side.told = error.message;
  }
  tell(StoreTrouble::Level::warning, "the database cannot be " + name(doing) + ": " + error.message + ". " + error.what());
  return out;
}

void Condition::succeeded(Doing doing) {
  if (!of(doing).failing || !of(doing).failing.exchange(false)) return;
  tell(StoreTrouble::Level::over, "the database can be " + name(doing) + " again");
}

void Condition::listen(Listener listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

void Condition::tell(StoreTrouble::Level level, std::string text) {
  const std::lock_guard lock(listener_mutex_);
  if (listener_) listener_({level, std::move(text)});
}

}  // namespace weir::sqlite_detail
