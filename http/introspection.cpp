// What the server has: health, workflows, schemas, graphs, its own API document.
#include "app.hpp"
#include "openapi.hpp"
#include "translate.hpp"

#include <weir/json_writer.hpp>

namespace weir::http {
namespace {

void respond_with(const Call& call, std::string runtime::WorkflowInfo::*text, const std::string& missing) {
  const auto workflow = call.app.service.find_workflow(call.names[0]);
  call.respond(workflow ? json(std::string((*workflow).*text)) : problem(404, missing));
}

}  // namespace

void get_health(const Call& call) { call.respond(json(R"({"status":"healthy"})")); }

void get_workflows(const Call& call) {
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

void get_schema(const Call& call) { respond_with(call, &runtime::WorkflowInfo::schema_json, "Workflow not found"); }

void get_workflow_events(const Call& call) {
  respond_with(call, &runtime::WorkflowInfo::events_json, "Workflow '" + call.names[0] + "' not found");
}

void get_representation(const Call& call) { respond_with(call, &runtime::WorkflowInfo::representation_json, "Workflow not found"); }

void get_openapi(const Call& call) { call.respond(json(std::string(openapi_document()))); }

}  // namespace weir::http
