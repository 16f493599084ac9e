// Flags and configuration files of a server: taken, or refused with a sentence.
#include "target.hpp"

#include "http/options/settings.hpp"

#include <weir/assert.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <exception>

namespace {

/// The file's text is what stands before the first NUL, a flag's name and value follow.
void configure(std::string_view text) {
  const auto end = std::min(text.find('\0'), text.size());
  const int file = ::memfd_create("settings", MFD_CLOEXEC);
  WEIR_ASSERT(file >= 0 && ::write(file, text.data(), end) == static_cast<ssize_t>(end), "no file in memory");
  text.remove_prefix(std::min(end + 1, text.size()));
  weir::http::Values flags;
  const auto equals = text.find('=');
  const std::string name(text.substr(0, equals));
  for (const auto& setting : weir::http::settings())
    if (setting.name == name) flags[name] = {std::string(equals == text.npos ? "" : text.substr(equals + 1))};
  try {
    weir::http::Configuration configuration;
    weir::http::configure(configuration, flags, "/proc/self/fd/" + std::to_string(file));
    (void)weir::http::printed(configuration);
  } catch (const std::exception& error) { WEIR_ASSERT(*error.what() != '\0', "a refusal without a word"); }
  ::close(file);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  configure(fuzz::text_of(data, size));
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out{"port = 8080\nstore = \"memory\"\n# a comment\n", "retain = [\"7d\", \"completed=1d\"]\n"};
  for (const auto& setting : weir::http::settings()) {
    out.push_back(std::string(setting.name) + " = 1\n");
    out.push_back(std::string(1, '\0') + std::string(setting.name) + "=5s");
  }
  return out;
}
std::vector<std::string> fuzz::words() {
  return {"=",
          "\n",
          "[",
          "]",
          "\"",
          "#",
          "-1",
          "18446744073709551616",
          "1e9",
          "0.1s",
          "never",
          "sqlite:",
          std::string(1, '\0'),
          "\xC3",
          "true",
          "9999999999999d"};
}
