#include "durations.hpp"

#include <charconv>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

using namespace std::chrono_literals;

constexpr std::pair<std::string_view, Duration> units[] = {{"", 1s}, {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}};

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  if (parsed.ec != std::errc() || count < 0) return std::nullopt;
  const auto unit = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
  for (const auto& [name, length] : units)
    if (name == unit && count <= std::numeric_limits<std::int64_t>::max() / length.count()) return count * length;
  return std::nullopt;
}

Retention parse_retention(const std::vector<std::string>& entries) {
  Retention out;
  for (const std::string_view entry : entries) {
    const auto equals = entry.find('=');
    const auto status = equals == entry.npos ? std::string_view() : entry.substr(0, equals);
    const auto kept = parse_duration(entry.substr(equals == entry.npos ? 0 : equals + 1));
    if (!kept || (equals != entry.npos && status != "completed" && status != "failed" && status != "cancelled"))
      throw std::invalid_argument("must be a time like 7d or 12h, or STATUS=TIME with completed, failed or cancelled, got '" +
                                  std::string(entry) + "'");
    if (status.empty() || status == "completed") out.completed = kept;
    if (status.empty() || status == "failed") out.failed = kept;
    if (status.empty() || status == "cancelled") out.cancelled = kept;
  }
  return out;
}

}  // namespace weir::http
