#include "fields.hpp"

#include <iostream>
#include <iterator>
#include <stdexcept>

namespace weir::cli {
namespace {

/// What "$ref": "#/$defs/Name" points to.
Value resolved(const Value& schema, const Value& property) {
  const auto* reference = property.find("$ref");
  const auto* definitions = schema.find("$defs");
  if (!reference || !reference->is_string() || !definitions) return property;
  const auto& text = reference->as_string();
  const auto* found = definitions->find(text.substr(text.rfind('/') + 1));
  return found ? *found : property;
}

bool takes(const Value& property, std::string_view type) {
  if (const auto* given = property.find("type"); given && given->is_string() && given->as_string() == type) return true;
  if (const auto* options = property.find("anyOf"); options && options->is_array())
    for (const auto& option : options->as_array())
      if (takes(option, type)) return true;
  return false;
}

Object object_of(const std::string& text, const std::string& where) {
  auto value = parse_json(text);
  if (!value || !value->is_object())
    throw std::invalid_argument(where + " must be a JSON object" + (value ? "" : ": " + value.error().message));
  return value->as_object();
}

}  // namespace

Value property_of(const Value& schema, std::string_view name) {
  const auto* properties = schema.find("properties");
  const auto* property = properties ? properties->find(name) : nullptr;
  return property ? resolved(schema, *property) : Value();
}

Value parse_value(const std::string& text, const Value& property) {
  auto parsed = parse_json(text);
  if (!parsed) return text;
  const bool known = property.is_object() && (property.find("type") || property.find("anyOf"));
  // "5" for a field of text is text; null stands for nothing only where that is allowed.
  if (known && takes(property, "string") && !(parsed->is_null() && takes(property, "null")))
    return parsed->is_string() ? *parsed : Value(text);
  return std::move(*parsed);
}

Object parse_fields(const std::vector<std::string>& words, const Value& schema) {
  if (words.size() == 1 && words[0] == "-") return object_of(std::string(std::istreambuf_iterator<char>(std::cin), {}), "standard input");
  if (words.size() == 1 && words[0].starts_with('{')) return object_of(words[0], "'" + words[0] + "'");
  Object out;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == word.npos || equals == 0)
      throw std::invalid_argument("'" + word +
                                  "' is no field: write key=value, key:=JSON, one JSON object, or - to read one from standard input");
    if (word[equals - 1] != ':') {
      const auto name = word.substr(0, equals);
      out.set(name, parse_value(word.substr(equals + 1), property_of(schema, name)));
      continue;
    }
    auto value = parse_json(word.substr(equals + 1));
    if (!value) throw std::invalid_argument("'" + word + "': " + value.error().message);
    out.set(word.substr(0, equals - 1), std::move(*value));
  }
  return out;
}

}  // namespace weir::cli
