// Fan-out and fan-in: every line is looked at by one of four workers, then all findings are counted at once.
#pragma once

#include <weir/weir.hpp>

#include <map>

namespace examples {

struct Document {
  using kind = weir::StartEvent;
  std::vector<std::string> lines;
};
struct Line {
  std::string text;
};
struct Finding {
  std::string category;
  std::string text;
};
struct Report {
  using kind = weir::StopEvent;
  std::map<std::string, int> counts;
};

struct TriageFlow : weir::Workflow {
  TriageFlow() {
    step<&TriageFlow::split>();
    step<&TriageFlow::classify>().num_workers(4);
    step<&TriageFlow::count>();
    description("Classifies the lines of a document in parallel and counts what it found.");
  }

  std::vector<Line> split(const Document& document) {
    std::vector<Line> out;
    for (const auto& text : document.lines) out.push_back({text});
    return out;
  }

  Finding classify(weir::Context& ctx, const Line& line) {
    Finding finding{category_of(line.text), line.text};
    ctx.write_event_to_stream(finding);
    return finding;
  }

  Report count(const std::vector<Finding>& findings) {
    Report report;
    for (const auto& finding : findings) ++report.counts[finding.category];
    return report;
  }

private:
  static std::string category_of(const std::string& text) {
    if (text.find('?') != text.npos) return "question";
    return text.find("urgent") != text.npos ? "urgent" : "note";
  }
};

}  // namespace examples
