#include "loading.hpp"

#include "actors/runtime/clock/exceptions.hpp"

namespace weir::runtime {
namespace {

LoadedRun read(Store& store, const HandlerRow& wanted, const RegisteredWorkflow& workflow) {
  LoadedRun out;
  auto row = store.find_handler(wanted.handler_id);
  if (!row || row->run_id != wanted.run_id) return out;
  if (!row->terminal()) {
    auto recovered = recover(store, *row, workflow);
    if (recovered) {
      out.recovered = std::move(*recovered);
      out.states = store.find_states(row->handler_id);
    } else {
      const auto ended = give_up(store, *row, recovered.error().message);
      if (!ended) throw StoreFailure(ended.error().code, ended.error().message);
      out.cannot_go_on = recovered.error().message;
      row = *ended;
    }
  }
  out.row = std::move(row);
  return out;
}

}  // namespace

LoadedRun load(Store& store, const HandlerRow& wanted, const RegisteredWorkflow& workflow) {
  LoadedRun out;
  try {
    return read(store, wanted, workflow);
  } catch (const StoreFailure& failure) { out.not_known = Error{Code::unavailable, failure.what()}; } catch (...) {
    out.not_known = Error{Code::internal, describe_current_exception().exception_message};
  }
  return out;
}

}  // namespace weir::runtime
