// A published event on its way to the store and to readers: rendered once, when somebody first looks.
#pragma once

#include <weir/envelope.hpp>
#include <weir/store.hpp>

#include <mutex>

namespace weir::runtime {

class RenderedEvent final : public EventPayload {
public:
  explicit RenderedEvent(EventBox event) : event_(std::move(event)) {}

  const EventBox& event() const noexcept { return event_; }
  const std::string& json() const override {
    std::call_once(once_, [this] { json_ = envelope_json(event_, true, JsonWriter::Escape::line_breaks); });
    return json_;
  }
  std::string json_without_qualified_name() const override {
    return envelope_json(event_, false, JsonWriter::Escape::line_breaks);
  }

private:
  EventBox event_;
  mutable std::once_flag once_;
  mutable std::string json_;
};

inline EventRow make_row(std::int64_t sequence, Time at, EventBox event) {
  const auto& type = event.type();
  return {sequence, at, type.kind == Kind::internal, type.is_a(event_type<StopEvent>()),
          std::make_shared<RenderedEvent>(std::move(event))};
}

}  // namespace weir::runtime
