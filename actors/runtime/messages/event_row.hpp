// A published event on its way to the store and to readers: rendered once, when somebody first looks.
#pragma once

#include "actors/engine/model/command.hpp"

#include <weir/envelope.hpp>
#include <weir/store.hpp>

#include <mutex>

namespace weir::runtime {

class RenderedEvent final : public EventPayload {
public:
  RenderedEvent(std::int64_t sequence, EventBox event) : sequence_(sequence), event_(std::move(event)) {}

  const EventBox& event() const noexcept { return event_; }
  std::string_view frame() const override {
    std::call_once(once_, [this] { render(); });
    return frame_;
  }
  std::string_view json() const override {
    const auto whole = frame();
    return whole.substr(json_at_, whole.size() - json_at_ - 2);
  }
  std::string json_without_qualified_name() const override { return envelope_json(event_, false, JsonWriter::Escape::line_breaks); }

private:
  void render() const {
    frame_.reserve(256);
    frame_ += "id: ";
    frame_ += std::to_string(sequence_);
    frame_ += "\ndata: ";
    json_at_ = frame_.size();
    JsonWriter writer(frame_, JsonWriter::Escape::line_breaks);
    write_envelope(writer, event_);
    frame_ += "\n\n";
    frame_.shrink_to_fit();
  }

  std::int64_t sequence_;
  EventBox event_;
  mutable std::once_flag once_;
  mutable std::string frame_;
  mutable std::size_t json_at_ = 0;
};

/// The event in a row. One that was read from a file is what the registry makes of it; a type the registry does not have
/// becomes a plain Event with the same fields.
inline EventBox event_of(const EventRow& row, const EventRegistry& registry) {
  if (const auto* rendered = dynamic_cast<const RenderedEvent*>(row.payload.get())) return rendered->event();
  const auto envelope = parse_json(row.payload->json());
  return envelope ? unwrap_event(*envelope, registry) : EventBox(Event());
}

/// {"attempt", "resumed", "error", "retry_at", "waits_for"}
inline std::string trace_json(const engine::StepTrace& trace) {
  std::string out;
  JsonWriter writer(out, JsonWriter::Escape::line_breaks);
  writer.begin_object();
  writer.key("attempt");
  writer.integer(trace.attempt);
  writer.key("resumed");
  writer.boolean(trace.resumed);
  writer.key("error");
  trace.error ? writer.value(to_value(*trace.error)) : writer.null();
  writer.key("retry_at");
  trace.retry_at ? writer.string(codec::time_text(*trace.retry_at)) : writer.null();
  writer.key("waits_for");
  trace.waits_for.empty() ? writer.null() : writer.string(trace.waits_for);
  writer.end_object();
  return out;
}

inline EventRow make_row(std::int64_t sequence, Time at, engine::PublishEvent published) {
  auto& event = published.event;
  const auto* trace = published.trace.get();
  const auto& type = event.type();
  return {sequence,
          at,
          type.kind == Kind::internal,
          type.is_a(event_type<StopEvent>()),
          std::make_shared<RenderedEvent>(sequence, std::move(event)),
          static_cast<std::int64_t>(published.span),
          static_cast<std::int64_t>(published.caused_by),
          trace ? std::make_shared<const std::string>(trace_json(*trace)) : nullptr};
}

}  // namespace weir::runtime
