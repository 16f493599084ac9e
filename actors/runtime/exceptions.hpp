// Names and texts of the exception that is being handled, also when it is no std::exception.
#pragma once

#include <weir/event.hpp>

namespace weir::runtime {

/// Only inside a catch block. Types are dotted ("shop.OutOfStock", "std.runtime_error").
ExceptionInfo describe_current_exception();

}  // namespace weir::runtime
