// One target of the fuzzer: what it is fed, and what it begins with. The names are libFuzzer's, so that a target can be linked with that,
// too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Aborts when something does not hold. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

/// Inputs of which others are made.
std::vector<std::string> seeds();
/// Pieces that inputs are made of.
std::vector<std::string> words();

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace fuzz
