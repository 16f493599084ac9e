// The workflows that every server in our comparisons serves: same names, steps, events and results.
#pragma once

namespace weir {
class WorkflowServer;
}

namespace bench_workflows {

/// Registers them all, in the order that clients of the comparison expect.
void add_all(weir::WorkflowServer& server);

}  // namespace bench_workflows
