#include "exceptions.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace weir::runtime {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

namespace {

std::string dotted_type_name(const std::type_info& type) {
  const auto plain = demangled(type.name());
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const bool colons = plain.compare(i, 2, "::") == 0;
    out += colons ? '.' : plain[i];
    if (colons) ++i;
  }
  return out;
}

std::string current_type_name() {
  const auto* type = abi::__cxa_current_exception_type();
  return type ? dotted_type_name(*type) : "unknown";
}

}  // namespace

ExceptionInfo describe_current_exception() {
  try {
    throw;
  } catch (const WaitTimeout& error) {
    return {"builtins.TimeoutError", error.what()};  // the protocol's name for it
  } catch (const std::exception& error) { return {dotted_type_name(typeid(error)), error.what()}; } catch (const std::string& text) {
    return {"std.string", text};
  } catch (const char* text) { return {"char const*", text}; } catch (...) {
    const auto name = current_type_name();
    return {name, "the step threw a " + name + ", which is no std::exception"};
  }
}

}  // namespace weir::runtime
