// Numbers and times on their way through HTTP: kept exactly, or refused with the field's name.
#include "talk.hpp"

#include <weir/weir.hpp>

#include <cstdint>
#include <limits>

namespace {

struct Measured {
  std::uint64_t count = 0;
  float weight = 0;
  weir::Time at;
  using kind = weir::StartEvent;
};

struct Measurement {
  std::uint64_t count = 0;
  using kind = weir::StopEvent;
};

struct Measure : weir::Workflow {
  Measure() { step<&Measure::run>(); }
  Measurement run(const Measured& measured) { return {measured.count}; }
};

struct Served {
  weir::WorkflowServer server{{.port = 0}};
  Served() {
    server.add_workflow<Measure>("measure");
    server.start();
  }
  std::string run(const std::string& fields) const {
    return talk::post(server.port(), "/workflows/measure/run", R"({"start_event":)" + fields + "}");
  }
};

}  // namespace

TEST_CASE("a whole number of 64 bits without a sign comes back as it went in") {
  const Served served;
  const auto answer = served.run(R"({"count":18446744073709551615,"weight":1,"at":"2026-01-02T03:04:05Z"})");
  CHECK(talk::status(answer) == 200);
  CHECK(answer.find(R"("count":18446744073709551615)") != std::string::npos);
}

TEST_CASE("what does not fit is refused with 400 that names the field") {
  const Served served;
  for (const auto& [fields, word] : {std::pair(R"({"count":18446744073709551616,"at":"2026-01-02T03:04:05Z"})", "18446744073709551616"),
                                     std::pair(R"({"count":1,"weight":1e300,"at":"2026-01-02T03:04:05Z"})", "weight"),
                                     std::pair(R"({"count":1,"weight":1e400,"at":"2026-01-02T03:04:05Z"})", "weight"),
                                     std::pair(R"({"count":1,"at":"2026-01-02T99:99:99Z"})", "at")}) {
    CAPTURE(fields);
    const auto answer = served.run(fields);
    CHECK(talk::status(answer) == 400);
    CHECK(answer.find(word) != std::string::npos);
  }
}

TEST_CASE("free keys are an object: another `_data` is refused, in starts and in events, with 400") {
  const Served served;
  for (const auto* data : {"[1]", "5", "\"x\"", "[]"}) {
    CAPTURE(data);
    const auto answer = served.run(R"({"count":1,"at":"2026-01-02T03:04:05Z","_data":)" + std::string(data) + "}");
    CHECK(talk::status(answer) == 400);
    CHECK(answer.find("_data") != std::string::npos);
    CHECK(answer.find("Input should be a valid dictionary") != std::string::npos);
  }
  for (const auto* data : {"{}", "null", R"({"more":1})"})
    CHECK(talk::status(served.run(R"({"count":1,"at":"2026-01-02T03:04:05Z","_data":)" + std::string(data) + "}")) == 200);
}

TEST_CASE("a time that is missing is said to be, with what to write if it should have a default") {
  const Served served;
  const auto answer = served.run(R"({"count":1})");
  CHECK(talk::status(answer) == 400);
  CHECK(answer.find("Field required") != std::string::npos);
  CHECK(answer.find("fields[&Measured::at].defaulted()") != std::string::npos);
}
