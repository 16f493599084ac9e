// parse_json on nlohmann's event parser: the only place that reads JSON text.
#include <weir/value.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

namespace weir {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The text with each run of blanks between tokens cut to one: the library puts what it has skipped into its messages, byte by byte.
class Bytes {
public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  /// `skipped` counts the bytes left out before the one that was read last.
  Bytes(const char* at, const char* end, std::size_t& skipped) : at_(at), end_(end), skipped_(&skipped) {}

  reference operator*() const {
    *skipped_ = left_out_;
    return *at_;
  }
  Bytes& operator++() {
    const char c = *at_++;
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (is_blank(c)) {
      while (at_ != end_ && is_blank(*at_)) {
        ++at_;
        ++left_out_;
      }
      if (at_ == end_) *skipped_ = left_out_;
    }
    return *this;
  }
  Bytes operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Bytes& other) const { return at_ == other.at_; }

private:
  const char *at_, *end_;
  std::size_t* skipped_;
  std::size_t left_out_ = 0;
  bool in_string_ = false, escaped_ = false;
};

/// Builds a Value from parser events; remembers where and why parsing stopped.
class Builder : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  Value result;
  std::size_t error_position = 0;
  std::string error_text;
  std::string exceeded;  ///< the limit that was
  std::string refused;   ///< the number that cannot be kept, and where in the value it is

  bool null() override { return put(Value()); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& digits) override {
    if (digits.find_first_of(".eE") != digits.npos) return put(value);
    refused = place_text() + "the integer " + shortened(digits) +
              " is out of range, from -9223372036854775808 to 18446744073709551615: send it as a text";
    return false;
  }
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
    constexpr int number_overflow = 406;
    if (error.id == number_overflow) {
      const auto quoted = error_text.substr(error_text.find('\'') + 1);
      refused = place_text() + "the number " + shortened(quoted.substr(0, quoted.find('\''))) +
                " is out of range, from -1.7976931348623157e+308 to 1.7976931348623157e+308";
    }
    return false;
  }

private:
  /// "field 'lines.0.price': " of what is read at the moment.
  std::string place_text() const {
    std::string path;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (!path.empty()) path += '.';
      path += open_[i]->is_array() ? std::to_string(open_[i]->as_array().size() - (i + 1 < open_.size() ? 1u : 0u)) : keys_[i];
    }
    return path.empty() ? path : "field '" + path + "': ";
  }
  static std::string shortened(const std::string& digits) {
    constexpr std::size_t shown_max = 40;
    if (digits.size() <= shown_max) return digits;
    return digits.substr(0, shown_max) + "... (" + std::to_string(digits.size()) + " characters)";
  }
  Value* place(Value value) {
    if (open_.empty()) {
      result = std::move(value);
      return &result;
    }
    auto& parent = *open_.back();
    if (parent.is_array()) return &parent.as_array().emplace_back(std::move(value));
    return &parent.as_object().set(keys_.back(), std::move(value));
  }
  bool counts() {
    if (++values_ <= limits_.values_max) return true;
    exceeded = "more than " + std::to_string(limits_.values_max) + " values";
    return false;
  }
  bool put(Value value) {
    if (!counts()) return false;
    place(std::move(value));
    return true;
  }
  bool open(Value container) {
    if (!counts()) return false;
    if (open_.size() >= limits_.depth_max) {
      exceeded = "nested deeper than " + std::to_string(limits_.depth_max) + " levels";
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

  const JsonLimits& limits_;
  std::size_t values_ = 0;
  std::vector<Value*> open_;
  std::vector<std::string> keys_;
};

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Positions count characters, as Python's do.
std::string describe(std::string_view text, std::size_t offset, std::string_view what) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const auto newline = before.rfind('\n');
  const auto column = 1 + characters(newline == before.npos ? before : before.substr(newline + 1));
  return std::string(what) + ": line " + std::to_string(line) + " column " + std::to_string(column) + " (char " +
         std::to_string(characters(before)) + ")";
}

/// A number that Python's JSON has and ours has not, at that place.
std::string_view non_finite_at(std::string_view text, std::size_t offset) {
  if (offset > 0 && text[offset - 1] == '-') --offset;
  for (const std::string_view name : {"NaN", "Infinity", "-Infinity"})
    if (text.substr(offset).starts_with(name)) return name;
  return {};
}

std::string undecodable(std::string_view text, std::size_t offset) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[offset]);
  return std::string("'utf-8' codec can't decode byte 0x") + hex[byte >> 4] + hex[byte & 15] + " in position " + std::to_string(offset) +
         ": invalid start byte";
}

/// The library reports the last byte it read; the words below are those of Python's json module.
std::string python_message(std::string_view text, const Builder& builder) {
  if (!builder.exceeded.empty()) return builder.exceeded;
  if (!builder.refused.empty()) return builder.refused;
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return describe(text, 0, "Expecting value");
  const auto offset = std::min(builder.error_position == 0 ? 0 : builder.error_position - 1, text.size());
  if (offset < text.size() && static_cast<unsigned char>(text[offset]) >= 0x80) return undecodable(text, offset);
  const auto has = [&](std::string_view part) { return builder.error_text.find(part) != std::string::npos; };
  if (has("; expected end of input")) return describe(text, offset, "Extra data");
  if (has("while parsing object key")) return describe(text, offset, "Expecting property name enclosed in double quotes");
  if (has("while parsing object separator")) return describe(text, offset, "Expecting ':' delimiter");
  if (has("missing closing quote")) return describe(text, text.rfind('"'), "Unterminated string starting at");
  if (has("surrogate")) return describe(text, std::min(text.rfind("\\u", offset), offset), "Half of a surrogate pair is no character");
  if (const auto name = non_finite_at(text, offset); !name.empty())
    return describe(text, offset, std::string(name) + " is no JSON: send null, or the text \"" + std::string(name) + "\"");
  if (has("control character")) return describe(text, offset, "Invalid control character at");
  if (has("while parsing object") || (has("while parsing array") && has("expected ']'")))
    return describe(text, offset, "Expecting ',' delimiter");
  return describe(text, offset, "Expecting value");
}

}  // namespace

Expected<Value> parse_json(std::string_view text, const JsonLimits& limits) {
  Builder builder(limits);
  std::size_t skipped = 0;
  const auto *begin = text.data(), *end = text.data() + text.size();
  if (nlohmann::json::sax_parse(Bytes(begin, end, skipped), Bytes(end, end, skipped), &builder)) return std::move(builder.result);
  builder.error_position += skipped;
  return Error{Code::invalid_argument, python_message(text, builder)};
}

}  // namespace weir
