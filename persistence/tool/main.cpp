// weir: for the person on call.
#include "../sqlite/database.hpp"
#include "../sqlite/maintenance.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

using namespace weir::sqlite_detail;

constexpr int problems_found = 1, cannot_be_read = 2;

int check_file(const std::string& path) {
  const auto problems = check(path);
  for (const auto& problem : problems) std::cout << problem << '\n';
  if (problems.empty()) std::cout << path << ": no problems found\n";
  return problems.empty() ? 0 : problems_found;
}

int show_stats(const std::string& path, bool json) {
  const auto figures = stats(path);
  if (json) {
    std::cout << weir::to_json(figures) << '\n';
    return 0;
  }
  for (const auto& [name, value] : figures)
    std::cout << name << ": " << (value.is_string() ? value.as_string() : weir::to_json(value)) << '\n';
  return 0;
}

int migrate_now(const std::string& path) {
  const auto [from, to] = migrate_file(path);
  if (from == to) std::cout << path << ": has format " << to << " already\n";
  else std::cout << path << ": migrated from format " << from << " to " << to << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Weir, a workflow server: tools."};
  app.require_subcommand(1);
  auto* db = app.add_subcommand("db", "Looks after the file of a server that runs with --store sqlite:PATH");
  db->require_subcommand(1);
  std::string path;
  bool json = false;
  const auto verb = [&](const char* name, const char* description) {
    auto* out = db->add_subcommand(name, description);
    out->add_option("PATH", path, "The database file")->required();
    return out;
  };
  const auto* checking = verb("check", "Looks for damage, and for runs that contradict themselves; exit code 1 when there is any");
  auto* counting = verb("stats", "Sizes, handlers by status, and what is waiting");
  counting->add_flag("--json", json, "For programs");
  verb("migrate", "Brings the file to this program's format, which a server also does at its start");
  CLI11_PARSE(app, argc, argv);
  try {
    if (*checking) return check_file(path);
    if (*counting) return show_stats(path, json);
    return migrate_now(path);
  } catch (const DatabaseError& error) {
    std::cerr << "weir: " << error.what() << '\n';
    return cannot_be_read;
  }
}
