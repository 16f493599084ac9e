// Fan-out and fan-in: every file of a folder is read by one of four workers, then all findings are counted at once.
#pragma once

#include <weir/weir.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

namespace examples {

struct Folder {
  using kind = weir::StartEvent;
  std::string path;
};
struct File {
  std::string path;
};
struct Finding {
  std::string file;
  std::string category;
};
struct Report {
  using kind = weir::StopEvent;
  std::map<std::string, std::vector<std::string>> files;
};

struct TriageFlow : weir::Workflow {
  TriageFlow() {
    step<&TriageFlow::list>().blocking();
    step<&TriageFlow::classify>().blocking().num_workers(4);
    step<&TriageFlow::report>();
    description("Sorts the documents of a folder by what they are about.");
  }

  std::vector<File> list(const Folder& folder) {
    if (!std::filesystem::is_directory(folder.path)) throw std::invalid_argument("'" + folder.path + "' is no folder");
    std::vector<File> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
      if (entry.is_regular_file()) out.push_back({entry.path().string()});
    return out;  // as many invocations of classify
  }

  Finding classify(weir::Context& ctx, const File& file) {
    Finding finding{std::filesystem::path(file.path).filename().string(), category_of(file.path)};
    ctx.write_event_to_stream(finding);
    return finding;
  }

  Report report(const std::vector<Finding>& findings) {  // once, when the last of them is there
    Report out;
    for (const auto& finding : findings) out.files[finding.category].push_back(finding.file);
    for (auto& [category, files] : out.files) std::sort(files.begin(), files.end());
    return out;
  }

private:
  static std::string category_of(const std::string& path) {
    std::ifstream stream(path);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    const auto mentions = [&](const char* word) { return text.find(word) != text.npos; };
    if (mentions("invoice") || mentions("Invoice")) return "invoice";
    if (mentions("?")) return "question";
    return mentions("urgent") ? "urgent" : "other";
  }
};

}  // namespace examples
