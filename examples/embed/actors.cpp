// A CAF program: its actor system runs Weir's service beside its own actors, and another process drives it.
//
//   actors serve            prints the port that the service is published on; ends when standard input does
//   actors drive PORT ITEM  starts an order there, shows its events, and answers its question
#include <weir/caf.hpp>
#include <weir/weir.hpp>

#include <caf/io/all.hpp>

#include <iostream>

struct Order {
  using kind = weir::StartEvent;
  std::string item;
};
struct Weighed {
  std::string item;
  int grams;
};
struct ShipIt {
  using kind = weir::InputRequiredEvent;
  int grams;
};
struct Yes {
  using kind = weir::HumanResponseEvent;
};
struct Shipped {
  using kind = weir::StopEvent;
  std::string parcel;
};

/// One of the program's own actors.
using Scale = caf::typed_actor<weir::compat::Takes<int, std::string>>;
Scale::behavior_type scale(Scale::pointer, int grams_per_letter) {
  return {[=](const std::string& item) { return grams_per_letter * static_cast<int>(item.size()); }};
}

struct Orders : weir::Workflow {
  explicit Orders(Scale scale) : scale_(std::move(scale)) {
    step<&Orders::weigh>();
    step<&Orders::ship>();
  }
  weir::Task<ShipIt> weigh(weir::Context& ctx, const Order& order) {
    const int grams = co_await ctx.request(scale_, order.item);  // holds no thread
    ctx.write_event_to_stream(Weighed{order.item, grams});
    ctx.store().set("item", order.item);
    co_return ShipIt{grams};
  }
  Shipped ship(weir::Context& ctx, const Yes&) { return {"parcel with " + ctx.store().get<std::string>("item")}; }

private:
  Scale scale_;
};

int serve(caf::actor_system& system) {
  const auto weighing = system.spawn(scale, 100);
  weir::Runtime runtime;
  runtime.add_workflow<Orders>("orders", weighing);
  const auto service = weir::spawn_service(system, runtime);
  const auto port = system.middleman().publish(service, 0, "127.0.0.1");
  if (!port) return 1;
  std::cout << *port << std::endl;
  for (std::string line; std::getline(std::cin, line);) {}

  caf::scoped_actor self{system};
  caf::anon_send_exit(service, caf::exit_reason::user_shutdown);
  self->wait_for(service);
  caf::anon_send_exit(weighing, caf::exit_reason::user_shutdown);
  return 0;
}

int drive(caf::actor_system& system, std::uint16_t port, const std::string& item) {
  const auto service = system.middleman().remote_actor<weir::ServiceActor>("127.0.0.1", port);
  if (!service) return 1;
  caf::scoped_actor self{system};
  const auto failed = [&](const caf::error& error) { std::cerr << weir::compat::text_of(system, error) << '\n'; };
  auto* asking = static_cast<caf::blocking_actor*>(self.ptr());

  std::string handler_id;
  weir::compat::request(asking, *service, weir::StartMessage{.workflow = "orders", .start = Order{item}})
      .receive([&](const weir::HandlerMessage& handler) { handler_id = handler.handler_id; }, failed);
  if (handler_id.empty()) return 1;
  weir::compat::request(asking, *service, weir::SubscribeMessage{.handler_id = handler_id, .subscriber = self})
      .receive([](const weir::HandlerMessage&) {}, failed);
  for (bool over = false; !over;)
    self->receive(
        [&](const weir::StreamedMessage& message) {
          if (message.event.is<Weighed>()) std::cout << "weighs " << message.event.as<Weighed>().grams << " g\n";
          if (message.event.is<Shipped>()) std::cout << message.event.as<Shipped>().parcel << '\n';
          if (!message.event.is<ShipIt>()) return;
          weir::compat::request(asking, *service, weir::SendMessage{.handler_id = handler_id, .event = Yes{}}).receive([](bool) {}, failed);
        },
        [&](const weir::StreamEndedMessage&) { over = true; });
  return 0;
}

int main(int argc, char** argv) {
  caf::actor_system_config config;
  weir::add_message_types(config);
  config.load<caf::io::middleman>();
  caf::actor_system system{config};
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "serve") return serve(system);
  if (verb == "drive" && argc == 4) return drive(system, static_cast<std::uint16_t>(std::stoi(argv[2])), argv[3]);
  std::cerr << "actors serve, or actors drive PORT ITEM\n";
  return 2;
}
