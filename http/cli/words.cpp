#include "words.hpp"

#include <string_view>

namespace weir::cli {
namespace {

constexpr char mark = '\x01';

bool looks_like_a_list(std::string_view word) { return word.size() > 1 && word.front() == '[' && word.back() == ']'; }

}  // namespace

std::vector<std::string> marked_words(int argc, char** argv) {
  std::vector<std::string> out;
  bool literal = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (!literal && word == "--") {
      literal = true;
      continue;
    }
    out.push_back(literal || looks_like_a_list(word) ? mark + word : std::move(word));
  }
  return out;
}

void unmark_words(CLI::App& app) {
  for (auto* option : app.get_options())
    if (option->get_items_expected_max() > 0)
      option->transform(CLI::Validator(
          [](std::string& word) {
            if (!word.empty() && word.front() == mark) word.erase(0, 1);
            return std::string();
          },
          ""));
  for (auto* verb : app.get_subcommands([](CLI::App*) { return true; })) unmark_words(*verb);
}

}  // namespace weir::cli
