// Retry delays. The jitter is a hash of what identifies the attempt, so a replayed decision would be the same.
#include <weir/retry.hpp>

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

/// Uniform in [0, 1): FNV-1a over the seed, finished by a mixing step.
double fraction(std::string_view seed, int failures) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (char c : seed) mix(static_cast<unsigned char>(c));
  for (int i = 0; i < 4; ++i) mix(static_cast<unsigned char>(failures >> (8 * i)));
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  hash ^= hash >> 33;
  return static_cast<double>(hash >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

}  // namespace

std::optional<Duration> Retry::next(int failures, const ExceptionInfo& error, std::string_view seed) const {
  if (retry_if && !retry_if(error)) return std::nullopt;
  if (failures >= max_attempts) return std::nullopt;
  const auto grown = static_cast<double>(initial.count()) * std::pow(multiplier, failures - 1);
  const auto base = std::min(grown, static_cast<double>(max.count()));
  return Duration(std::llround(base + static_cast<double>(jitter.count()) * fraction(seed, failures)));
}

}  // namespace weir
