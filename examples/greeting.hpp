// The smallest workflow: one step, progress on the stream, a typed result.
#pragma once

#include <weir/weir.hpp>

namespace examples {

struct Name {
  using kind = weir::StartEvent;
  std::string name = "World";
};
struct Progress {
  int percent;
};
struct Greeting {
  using kind = weir::StopEvent;
  std::string text;
};

struct GreetingFlow : weir::Workflow {
  GreetingFlow() { step<&GreetingFlow::greet>(); }

  Greeting greet(weir::Context& ctx, const Name& start) {
    ctx.write_event_to_stream(Progress{50});
    return {"Hello, " + start.name + "!"};
  }
};

}  // namespace examples
