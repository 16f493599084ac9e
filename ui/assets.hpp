// The debugger's files, as the build has put them into the library.
#pragma once

#include <span>
#include <string_view>

namespace weir::ui {

struct Bytes {
  const char* begin;
  const char* end;
  std::string_view view() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

struct Asset {
  std::string_view path;  ///< "/index.html"
  std::string_view type;  ///< for Content-Type
  std::string_view hash;  ///< of the content
  Bytes plain, gzip;
  bool immutable;  ///< the path changes when the content does
};

std::span<const Asset> assets();

}  // namespace weir::ui
