// An event's fields from the words of a command line.
#pragma once

#include <weir/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

/// Reads `key=value` (a value as its JSON Schema says, or what it looks like), `key:=JSON`, a whole JSON object in one word,
/// or "-" for a JSON object from standard input. Throws std::invalid_argument naming the word.
Object parse_fields(const std::vector<std::string>& words, const Value& schema);

/// A value as a person writes it: text where the schema wants text, JSON where it can be read as such.
Value parse_value(const std::string& text, const Value& property);

/// The schema of one property, references resolved; null when there is none.
Value property_of(const Value& schema, std::string_view name);

}  // namespace weir::cli
