// The workflows that every server in our comparisons serves: same names, steps, events and results.
#pragma once

#include <string>

namespace weir {
class WorkflowServer;
}

namespace bench_workflows {

/// Registers them all, in the order that clients of the comparison expect.
void add_all(weir::WorkflowServer& server);

/// Workflows of the tests that kill the server; what they do is written to the file.
void add_ledger_workflows(weir::WorkflowServer& server, const std::string& ledger);

}  // namespace bench_workflows
