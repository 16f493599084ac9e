// Names and texts of the exception that is being handled, also when it is no std::exception.
#pragma once

#include <weir/event.hpp>

#include <string>

namespace weir::runtime {

/// Only inside a catch block. Types are dotted ("shop.OutOfStock", "std.runtime_error").
ExceptionInfo describe_current_exception();

/// A type's name as C++ writes it, from std::type_info::name().
std::string demangled(const char* name);

}  // namespace weir::runtime
