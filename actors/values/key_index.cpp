#include "key_index.hpp"

#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace weir::detail {
namespace {

using Key = std::array<std::uint64_t, 2>;

/// Sixteen bytes that the kernel gives each process.
Key key_of_process() {
  Key out{};
  if (const auto* bytes = reinterpret_cast<const void*>(::getauxval(AT_RANDOM))) std::memcpy(out.data(), bytes, sizeof out);
  return out;
}

/// SipHash-1-3, as hash tables of Rust, Python and Ruby use it.
class SipHash {
public:
  explicit SipHash(const Key& key)
      : state_{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573} {}

  std::uint64_t operator()(std::string_view text) {
    const auto size = text.size();
    for (; text.size() >= 8; text.remove_prefix(8)) take(word(text));
    take(word(text) | static_cast<std::uint64_t>(size) << 56);
    state_[2] ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return state_[0] ^ state_[1] ^ state_[2] ^ state_[3];
  }

private:
  static std::uint64_t word(std::string_view text) {
    std::uint64_t out = 0;
    if (!text.empty()) std::memcpy(&out, text.data(), std::min<std::size_t>(text.size(), 8));
    return out;
  }
  void take(std::uint64_t word) {
    state_[3] ^= word;
    round();
    state_[0] ^= word;
  }
  static void mix(std::uint64_t& sum, std::uint64_t& turned, int by) {
    sum += turned;
    turned = std::rotl(turned, by) ^ sum;
  }
  void round() {
    auto& [a, b, c, d] = state_;
    mix(a, b, 13);
    mix(c, d, 16);
    a = std::rotl(a, 32);
    mix(a, d, 21);
    mix(c, b, 17);
    c = std::rotl(c, 32);
  }

  std::array<std::uint64_t, 4> state_;
};

std::uint32_t hash_of(std::string_view text) {
  static const Key key = key_of_process();
  return static_cast<std::uint32_t>(SipHash(key)(text));
}

}  // namespace

KeyIndex::KeyIndex(const std::vector<Object::Member>& members) {
  grow(std::bit_ceil(members.size() * 4));
  for (std::size_t i = 0; i < members.size(); ++i) add(members[i].first, i);
}

std::size_t KeyIndex::find(std::string_view key, const std::vector<Object::Member>& members) const noexcept {
  const auto hash = hash_of(key);
  for (std::size_t at = hash;; ++at) {
    const auto& place = places_[at & (places_.size() - 1)];
    if (place.number == 0) return none;
    if (place.hash == hash && members[place.number - 1].first == key) return place.number - 1;
  }
}

void KeyIndex::add(std::string_view key, std::size_t position) {
  if (2 * (taken_ + 1) > places_.size()) grow(places_.size() * 2);
  put({hash_of(key), static_cast<std::uint32_t>(position + 1)});
  ++taken_;
}

void KeyIndex::put(Place place) {
  std::size_t at = place.hash;
  while (places_[at & (places_.size() - 1)].number != 0) ++at;
  places_[at & (places_.size() - 1)] = place;
}

void KeyIndex::grow(std::size_t places) {
  std::vector<Place> before(places);
  before.swap(places_);
  for (const auto& place : before)
    if (place.number != 0) put(place);
}

}  // namespace weir::detail
