// Events as the wire shows them and as clients may write them (contract, chapter 2).
#pragma once

#include <weir/event.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// {"value":{...},"qualified_name":"...","type":"...","types":[...]|null}
/// With `qualified_name` false that key is null.
void write_envelope(JsonWriter& out, const EventBox& event, bool qualified_name = true);
std::string envelope_json(const EventBox& event, bool qualified_name = true, JsonWriter::Escape escape = JsonWriter::Escape::minimal);
/// {"__is_pydantic":true,"value":{...},"qualified_name":"..."}: how events are stored inside other values.
void write_wrapped(JsonWriter& out, const EventBox& event);

/// The event types a workflow's clients may name. Never loads code: what is not in here does not exist.
class EventRegistry {
public:
  /// A later type of the same name replaces an earlier one.
  void add(const EventType& type);
  const EventType* by_name(std::string_view name) const noexcept;
  /// Also finds the built-in events.
  const EventType* by_qualified_name(std::string_view name) const noexcept;
  const std::vector<const EventType*>& all() const noexcept { return types_; }

private:
  std::vector<const EventType*> types_;
};

/// Decodes a value object into an event of that type. The error is the validation text.
Expected<EventBox> decode_event(const EventType& type, const Value& value);

/// Reads an event in any of the write forms: envelope, qualified name, `data`, or bare when `explicit_type`
/// is given, each also as JSON text in a string. Errors carry the protocol's words (contract 2.3).
Expected<EventBox> parse_event(const Value& input, const EventRegistry& registry, const EventType* explicit_type = nullptr);

/// Reads what write_wrapped wrote; types that neither the registry nor the program has become a plain Event
/// with the same fields.
EventBox unwrap_event(const Value& wrapped, const EventRegistry& registry);

}  // namespace weir
