// `weir db`: for the person on call.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace weir::tool {

/// Adds `db check|stats|migrate`; when one is called, `chosen` is what to do after parsing.
void add_db(CLI::App& app, std::function<int()>& chosen);

}  // namespace weir::tool
