// Feeds a target with mutations of its seeds: TARGET [SEED [SECONDS]]. Without arguments the same inputs every time. What fails prints how
// to repeat it.
#include "target.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

extern "C" void __asan_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

constexpr unsigned fixed_seed = 17;
constexpr int fixed_rounds = 20000;
constexpr std::size_t longest = 4096;

unsigned seed = fixed_seed;
long round_now = 0;

void tell() { std::fprintf(stderr, "fuzz: round %ld of seed %u\n", round_now, seed); }

class Mutator {
public:
  explicit Mutator(unsigned from) : random_(from) {}

  std::string next() {
    auto out = any(seeds_);
    for (auto left = 1 + below(8); left > 0; --left) mutate(out);
    out.resize(std::min(out.size(), longest));
    return out;
  }

private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
  const std::string& any(const std::vector<std::string>& from) { return from[below(from.size())]; }
  void mutate(std::string& text) {
    const auto at = below(text.size() + 1);
    switch (below(6)) {
      case 0: text.insert(at, 1, static_cast<char>(below(256))); break;
      case 1: text.insert(at, any(words_)); break;
      case 2: text.erase(at, below(8)); break;
      case 3: text.insert(at, text.substr(below(text.size() + 1), below(64))); break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      default: text.insert(at, any(seeds_)); break;
    }
  }

  std::mt19937 random_;
  const std::vector<std::string> seeds_ = fuzz::seeds(), words_ = fuzz::words();
};

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) seed = static_cast<unsigned>(std::strtoul(arguments[1], nullptr, 10));
  const auto seconds = std::chrono::seconds(count > 2 ? std::strtol(arguments[2], nullptr, 10) : 0);
  if (__asan_set_death_callback) __asan_set_death_callback(&tell);
  std::set_terminate([] {
    tell();
    std::abort();
  });
  const auto until = std::chrono::steady_clock::now() + seconds;  // NOLINT: a minute or two
  for (Mutator mutator(seed); seconds.count() > 0 ? std::chrono::steady_clock::now() < until : round_now < fixed_rounds; ++round_now) {
    const auto input = mutator.next();
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
  std::printf("fuzz: seed %u, %ld inputs\n", seed, round_now);
}
