// What the routes work with.
#pragma once

#include "http/access/callers.hpp"
#include "http/wire/exchange.hpp"
#include "http/wire/limits.hpp"
#include "http/wire/target.hpp"
#include "idempotency.hpp"
#include "workers.hpp"

#include "actors/runtime/service.hpp"

#include <weir/server.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace weir::http {

class RequestHead;

/// What a stream without a cursor shows (contract 1.9).
enum class DefaultCursor {
  automatic,  ///< everything to a run's first reader, only new events to later ones
  now,        ///< only new events
  start,      ///< everything
};

/// A route that the program has added.
struct OwnRoute {
  std::string method, path;
  std::function<RouteAnswer(const RouteRequest&)> answer;
};

/// What a request's work is to its neighbours: each kind has threads and a queue of its own, so that none holds up another.
enum class Work { lookup, change, search };

struct App {
  runtime::Service& service;
  std::optional<std::chrono::milliseconds> heartbeat;
  DefaultCursor default_cursor = DefaultCursor::automatic;
  Limits limits;
  bool accept_context = false;             ///< runs may be started from a context that the request brings
  std::vector<std::string> api_keys = {};  ///< empty: everybody may ask
  Callers callers = {};
  bool read_only = false;  ///< only what changes nothing is answered
  std::vector<OwnRoute> own_routes = {};
  std::shared_ptr<RequestsUnderWay> under_way = std::make_shared<RequestsUnderWay>();  ///< those with an Idempotency-Key
  std::shared_ptr<Workers> lookups = std::make_shared<Workers>(budget::lookups);
  std::shared_ptr<Workers> changes = std::make_shared<Workers>(budget::changes);
  std::shared_ptr<Workers> searches = std::make_shared<Workers>(budget::searches);

  const std::shared_ptr<Workers>& workers(Work kind) const {
    return kind == Work::lookup ? lookups : kind == Work::change ? changes : searches;
  }
  /// Ends the work of the routes. Before the service goes.
  void stop_workers() const {
    for (const auto& workers : {lookups, changes, searches}) workers->stop();
  }
};

/// A request on its way through a route: `names` are the path's variable segments, in order.
struct Call {
  App& app;
  ExchangePtr exchange;
  Query query;
  std::vector<std::string> names;
  Respond answer = nullptr;                 ///< instead of the exchange's
  std::stop_source gone{std::nostopstate};  ///< of a search: stopped when the client has left

  /// Once, on any thread.
  void respond(Response response) const { answer ? answer(std::move(response)) : send_answer(exchange, std::move(response)); }
  /// The same for callbacks, which must not keep hold of the App.
  Respond responder() const {
    if (answer) return answer;
    return [exchange = exchange](Response response) { send_answer(exchange, std::move(response)); };
  }
};

// introspection.cpp
void get_health(const Call& call);
void get_health_live(const Call& call);
void get_health_ready(const Call& call);
void get_workflows(const Call& call);
void get_schema(const Call& call);
void get_workflow_events(const Call& call);
void get_representation(const Call& call);
void get_openapi(const Call& call);

// runs.cpp
void post_run(const Call& call);
void post_run_nowait(const Call& call);
void post_rerun(const Call& call);
void post_resume(const Call& call);
void get_handler(const Call& call);
void get_result(const Call& call);
void get_run(const Call& call);
void post_cancel(const Call& call);

// events.cpp
void get_events(const Call& call);
void get_run_events(const Call& call);
void post_event(const Call& call);

// listing.cpp
/// With a limit, a page; without, all of them as the protocol has it.
void get_handlers(const Call& call);

// event_page.cpp
/// On a thread that may wait.
void get_events_page(const Call& call, const HandlerRow& row);

// statistics.cpp
void get_workflows_detail(const Call& call);
void get_workflow_statistics(const Call& call);

// details.cpp
/// Where the store may be read.
void get_handler_detail(const Call& call, const HandlerRow& row);
void get_handler_state(const Call& call);
void get_handler_export(const Call& call);

// tab_stream.cpp
void get_tab_stream(const Call& call);

// page.cpp
/// Part of the debugger: files that are the same for everybody.
bool is_page(std::string_view path);
void get_page(const Call& call);
void get_ui_config(const Call& call);

// routes.cpp
/// Who answers a request, or why nobody does: every rule about callers, keys and routes that its head can be judged by.
Admission admit(App& app, const RequestHead& head);

}  // namespace weir::http
