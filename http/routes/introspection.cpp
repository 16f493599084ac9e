// What the server has: health, workflows, schemas, graphs, its own API document.
#include "http/answers/app.hpp"
#include "http/answers/translate.hpp"
#include "openapi.hpp"

#include <weir/json_writer.hpp>

namespace weir::http {
namespace {

void respond_with(const Call& call, std::string runtime::RegisteredWorkflow::*text, const std::string& missing) {
  const auto workflow = call.app.service.find_workflow(call.names[0]);
  call.respond(workflow ? json(std::string((*workflow).*text)) : problem(404, missing));
}

std::optional<std::string> why_not_ready(const runtime::Service& service) {
  if (service.stopping()) return "the server is shutting down";
  auto status = service.store_status();
  if (status.kind == runtime::StoreStatus::Kind::ready) return std::nullopt;
  return std::move(status.why);
}

}  // namespace

void get_health(const Call& call) { call.respond(json(R"({"status":"healthy"})")); }

/// The process serves.
void get_health_live(const Call& call) { call.respond(json(R"({"status":"live"})")); }

/// It can also begin and go on with runs.
void get_health_ready(const Call& call) {
  const auto reason = why_not_ready(call.app.service);
  if (!reason) return call.respond(json(R"({"status":"ready"})"));
  auto answer = json(to_json(Value(Object{{"status", "not ready"}, {"reason", *reason}})), 503);
  answer.headers.emplace_back("retry-after", "1");
  call.respond(std::move(answer));
}

void get_workflows(const Call& call) {
  if (call.query.flag("detail", false)) return get_workflows_detail(call);
  std::string body;
  JsonWriter writer(body);
  writer.begin_object();
  writer.key("workflows");
  writer.begin_array();
  for (const auto& name : call.app.service.workflow_names()) writer.string(name);
  writer.end_array();
  writer.end_object();
  call.respond(json(std::move(body)));
}

void get_schema(const Call& call) { respond_with(call, &runtime::RegisteredWorkflow::schema_json, "Workflow not found"); }

void get_workflow_events(const Call& call) {
  respond_with(call, &runtime::RegisteredWorkflow::events_json, "Workflow '" + call.names[0] + "' not found");
}

/// `format=mermaid`, `format=dot` and `detail=true` are ours; anything else is the protocol's JSON.
void get_representation(const Call& call) {
  const auto format = call.query.last("format").value_or("json");
  const bool mermaid = format == "mermaid";
  if (!mermaid && format != "dot") {
    const bool detailed = call.query.flag("detail", false);
    const auto text =
        detailed ? &runtime::RegisteredWorkflow::detailed_representation_json : &runtime::RegisteredWorkflow::representation_json;
    return respond_with(call, text, "Workflow not found");
  }
  const auto workflow = call.app.service.find_workflow(call.names[0]);
  if (!workflow) return call.respond(problem(404, "Workflow not found"));
  const auto drawing = mermaid ? runtime::DrawingFormat::mermaid : runtime::DrawingFormat::dot;
  call.respond({.content_type = mermaid ? "text/vnd.mermaid; charset=utf-8" : "text/vnd.graphviz; charset=utf-8",
                .body = call.app.service.draw(*workflow, drawing)});
}

void get_openapi(const Call& call) { call.respond(json(std::string(openapi_document()))); }

}  // namespace weir::http
