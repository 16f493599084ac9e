// A run that is in the store alone, as one reads it there.
#pragma once

#include "recovery.hpp"

#include <weir/store.hpp>

#include <optional>
#include <string>

namespace weir::runtime {

struct LoadedRun {
  std::optional<HandlerRow> row;          ///< empty: the run was purged, or the handler runs again
  std::optional<RecoveredRun> recovered;  ///< empty: the run is over
  NamedStates states;
  std::string cannot_go_on;        ///< why it was ended just now; empty: it was not
  std::optional<Error> not_known;  ///< why nothing of the above is; the code of a store that does not answer is `unavailable`
};

/// Ends a run that cannot go on. Blocks; throws nothing.
LoadedRun load(Store& store, const HandlerRow& wanted, const RegisteredWorkflow& workflow);

}  // namespace weir::runtime
