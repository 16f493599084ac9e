// Human approval: small expenses pass, for large ones the run waits for a person, for as long as it takes.
#pragma once

#include <weir/weir.hpp>

namespace examples {

struct Expense {
  using kind = weir::StartEvent;
  std::string employee;
  double amount;
  std::string purpose = "";
};
struct ApprovalNeeded {
  using kind = weir::InputRequiredEvent;
  std::string employee;
  double amount;
  std::string purpose;
};
struct Decision {
  using kind = weir::HumanResponseEvent;
  bool approved;
  std::string reviewer;
  std::string reason = "";
};
struct Outcome {
  using kind = weir::StopEvent;
  std::string text;
};

struct ApprovalFlow : weir::Workflow {
  ApprovalFlow() {
    step<&ApprovalFlow::review>();
    step<&ApprovalFlow::decide>();
    no_timeout();
    description("Approves small expenses and asks a person about large ones.");
  }

  std::variant<ApprovalNeeded, Outcome> review(weir::Context& ctx, const Expense& expense) {
    if (expense.amount < 100) return Outcome{"approved without a review"};
    ctx.store().set("employee", expense.employee);
    return ApprovalNeeded{expense.employee, expense.amount, expense.purpose};
  }

  Outcome decide(weir::Context& ctx, const Decision& decision) {
    const auto employee = ctx.store().get<std::string>("employee");
    if (decision.approved) return {decision.reviewer + " approved the expense of " + employee};
    return {decision.reviewer + " rejected the expense of " + employee + ": " + decision.reason};
  }
};

}  // namespace examples
