// Forks of runs, as the route makes them.
#pragma once

#include <doctest/doctest.h>

#include "actors/runtime/service.hpp"
#include "tests/until.hpp"

#include <weir/runtime.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace flows {

/// A new run that begins where the other one was after its event of that sequence.
inline weir::Run fork(weir::Runtime& runtime, const weir::Run& run, std::int64_t sequence, const std::string& handler_id) {
  auto& service = runtime.service();
  const auto workflow = service.find_workflow(run.handler());
  auto past = service.rewind(*workflow, run.handler(), sequence);
  REQUIRE_MESSAGE(past.ok(), past.error().message);
  service.start({.workflow = workflow, .start = weir::StartEvent(), .handler_id = handler_id, .context = std::move(past->context)}, nullptr,
                nullptr, [](const weir::Error& error) { FAIL(error.message); });
  until("the fork is there", [&] { return runtime.find_run(handler_id).has_value(); });
  return *runtime.find_run(handler_id);
}

}  // namespace flows
