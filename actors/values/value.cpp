// Value and Object: storage, comparison and the Python spellings that validation texts need.
#include "key_index.hpp"

#include <weir/json_writer.hpp>
#include <weir/value.hpp>

#include <algorithm>

namespace weir {

namespace {
/// Up to here looking at all is as quick as an index, and costs nothing.
constexpr std::size_t small_max = 32;
}  // namespace

Object::Object() = default;
Object::Object(std::initializer_list<Member> members) : members_(members) {
  if (members_.size() > small_max) index_ = std::make_unique<detail::KeyIndex>(members_);
}
Object::Object(const Object& other)
    : members_(other.members_), index_(other.index_ ? std::make_unique<detail::KeyIndex>(*other.index_) : nullptr) {}
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object& other) {
  Object copy(other);
  return *this = std::move(copy);
}
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

const Value* Object::find(std::string_view key) const noexcept {
  if (index_) {
    const auto position = index_->find(key, members_);
    return position == detail::KeyIndex::none ? nullptr : &members_[position].second;
  }
  for (const auto& member : members_)
    if (member.first == key) return &member.second;
  return nullptr;
}

Value* Object::find(std::string_view key) noexcept { return const_cast<Value*>(static_cast<const Object*>(this)->find(key)); }

Value& Object::set(std::string_view key, Value value) {
  auto& slot = (*this)[key];
  slot = std::move(value);
  return slot;
}

Value& Object::operator[](std::string_view key) {
  if (auto* found = find(key)) return *found;
  auto& member = members_.emplace_back(std::string(key), Value());
  if (index_) index_->add(member.first, members_.size() - 1);
  else if (members_.size() > small_max) index_ = std::make_unique<detail::KeyIndex>(members_);
  return member.second;
}

bool operator==(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const Object::Member& member) {
    const auto* other = b.find(member.first);
    return other && *other == member.second;
  });
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number() && a.data_.index() != b.data_.index())
    return (a.is_double() || b.is_double()) && a.as_double() == b.as_double();
  return a.data_ == b.data_;
}

bool Value::truthy() const noexcept {
  switch (data_.index()) {
    case 1: return as_bool();
    case 2: return as_integer() != 0;
    case 3: return as_double() != 0;
    case 4: return !as_string().empty();
    case 5: return !as_array().empty();
    case 6: return !as_object().empty();
    case 7: return true;
    default: return false;
  }
}

std::string to_json(const Value& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

std::string_view python_type_name(const Value& value) noexcept {
  if (value.is_null()) return "NoneType";
  if (value.is_bool()) return "bool";
  if (value.is_integer() || value.is_big_integer()) return "int";
  if (value.is_double()) return "float";
  if (value.is_string()) return "str";
  return value.is_array() ? "list" : "dict";
}

namespace {

std::string repr_string(const std::string& text) {
  const bool has_single = text.find('\'') != text.npos;
  const char quote = has_single && text.find('"') == text.npos ? '"' : '\'';
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else out += c;
  }
  return out + quote;
}

std::string repr_array(const Value::Array& array) {
  std::string out = "[";
  for (const auto& item : array) {
    if (out.size() > 1) out += ", ";
    out += python_repr(item);
  }
  return out + "]";
}

std::string repr_object(const Object& object) {
  std::string out = "{";
  for (const auto& [key, item] : object) {
    if (out.size() > 1) out += ", ";
    out += repr_string(key) + ": " + python_repr(item);
  }
  return out + "}";
}

}  // namespace

std::string python_repr(const Value& value) {
  if (value.is_null()) return "None";
  if (value.is_bool()) return value.as_bool() ? "True" : "False";
  if (value.is_number()) return to_json(value);
  if (value.is_string()) return repr_string(value.as_string());
  return value.is_array() ? repr_array(value.as_array()) : repr_object(value.as_object());
}

}  // namespace weir
