// parse_json on nlohmann's event parser: the only place that reads JSON text.
#include <weir/value.hpp>

#include <nlohmann/json.hpp>

#include <limits>
#include <string>
#include <vector>

namespace weir {
namespace {

constexpr std::size_t depth_max = 256;

/// Builds a Value from parser events; remembers where and why parsing stopped.
class Builder : public nlohmann::json_sax<nlohmann::json> {
public:
  Value result;
  std::size_t error_position = 0;
  std::string error_text;
  bool too_deep = false;

  bool null() override { return put(Value()); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) return put(static_cast<double>(value));
    return put(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Value(Object())); }
  bool start_array(std::size_t) override { return open(Value(Value::Array())); }
  bool key(string_t& name) override {
    keys_.back() = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    error_position = position;
    error_text = error.what();
    return false;
  }

private:
  Value* place(Value value) {
    if (open_.empty()) {
      result = std::move(value);
      return &result;
    }
    auto& parent = *open_.back();
    if (parent.is_array()) return &parent.as_array().emplace_back(std::move(value));
    return &parent.as_object().set(keys_.back(), std::move(value));
  }
  bool put(Value value) {
    place(std::move(value));
    return true;
  }
  bool open(Value container) {
    if (open_.size() >= depth_max) {
      too_deep = true;
      return false;
    }
    open_.push_back(place(std::move(container)));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  std::vector<Value*> open_;
  std::vector<std::string> keys_;
};

std::string describe(std::string_view text, std::size_t offset, std::string_view what) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const auto newline = before.rfind('\n');
  const auto column = newline == before.npos ? offset + 1 : offset - newline;
  return std::string(what) + ": line " + std::to_string(line) + " column " + std::to_string(column) + " (char " + std::to_string(offset) +
         ")";
}

std::string undecodable(std::string_view text, std::size_t offset) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[offset]);
  return std::string("'utf-8' codec can't decode byte 0x") + hex[byte >> 4] + hex[byte & 15] + " in position " + std::to_string(offset) +
         ": invalid start byte";
}

/// The library reports the last byte it read; the words below are those of Python's json module.
std::string python_message(std::string_view text, const Builder& builder) {
  if (builder.too_deep) return "nested deeper than " + std::to_string(depth_max) + " levels";
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return describe(text, 0, "Expecting value");
  const auto offset = std::min(builder.error_position == 0 ? 0 : builder.error_position - 1, text.size());
  if (offset < text.size() && static_cast<unsigned char>(text[offset]) >= 0x80) return undecodable(text, offset);
  const auto has = [&](std::string_view part) { return builder.error_text.find(part) != std::string::npos; };
  if (has("; expected end of input")) return describe(text, offset, "Extra data");
  if (has("while parsing object key")) return describe(text, offset, "Expecting property name enclosed in double quotes");
  if (has("while parsing object separator")) return describe(text, offset, "Expecting ':' delimiter");
  if (has("missing closing quote")) return describe(text, text.rfind('"'), "Unterminated string starting at");
  if (has("control character")) return describe(text, offset, "Invalid control character at");
  if (has("while parsing object") || (has("while parsing array") && has("expected ']'")))
    return describe(text, offset, "Expecting ',' delimiter");
  return describe(text, offset, "Expecting value");
}

}  // namespace

Expected<Value> parse_json(std::string_view text) {
  Builder builder;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.result);
  return Error{Code::invalid_argument, python_message(text, builder)};
}

}  // namespace weir
