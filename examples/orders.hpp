// Order processing: retries for what may fail for a moment, run_once for what must not happen twice, and compensation when an
// order cannot be shipped after all.
#pragma once

#include <weir/weir.hpp>

#include <map>
#include <mutex>
#include <stdexcept>

namespace examples {

struct PlaceOrder {
  using kind = weir::StartEvent;
  std::string item;
  int quantity = 1;
  double price;
};
struct Reserved {
  std::string reservation;
  double total;
};
struct Charged {
  std::string payment;
};
struct OrderEnded {
  using kind = weir::StopEvent;
  bool shipped;
  std::string text;                      ///< the tracking number, or why there is none
  std::vector<std::string> undone = {};  ///< of an order that was not shipped
};

/// The world outside: a warehouse, a payment provider and a carrier. Tests script their failures.
class Shop {
public:
  virtual ~Shop() = default;
  virtual std::string reserve(const std::string& item, int quantity) = 0;
  virtual std::string charge(double amount) = 0;
  virtual std::string ship(const std::string& reservation) = 0;
  virtual void release(const std::string& reservation) = 0;
  virtual void refund(const std::string& payment) = 0;
};

/// Has everything but bicycles, and loses every third request.
class PracticeShop final : public Shop {
public:
  std::string reserve(const std::string& item, int quantity) override {
    answer();
    return "reserved " + std::to_string(quantity) + " " + item;
  }
  std::string charge(double) override { return "payment-" + std::to_string(answer()); }
  std::string ship(const std::string& reservation) override {
    answer();
    if (reservation.find("bicycle") != reservation.npos) throw std::invalid_argument("bicycles are too large to ship");
    return "parcel with " + reservation;
  }
  void release(const std::string&) override {}
  void refund(const std::string&) override {}

private:
  int answer() {
    const std::lock_guard lock(mutex_);
    if (++requests_ % 3 == 0) throw std::runtime_error("the connection was lost");
    return requests_;
  }
  std::mutex mutex_;
  int requests_ = 0;
};

struct OrderFlow : weir::Workflow {
  explicit OrderFlow(std::shared_ptr<Shop> shop = std::make_shared<PracticeShop>()) : shop_(std::move(shop)) {
    using namespace std::chrono_literals;
    const weir::RetryPolicy again{
        .when = weir::retry_if_exception_type<std::runtime_error>(),
        .wait = weir::wait_exponential_jitter({.initial = 100ms, .max = 5s, .jitter = 100ms}),
        .stop = weir::stop_after_attempt(5),
    };
    step<&OrderFlow::reserve>().retry(again);
    step<&OrderFlow::charge>().retry(again);
    step<&OrderFlow::ship>().retry(again);
    catch_error<&OrderFlow::compensate>();
    description("Reserves, charges and ships an order, or undoes what was done.");
  }

  weir::Task<Reserved> reserve(weir::Context& ctx, const PlaceOrder& order) {
    const auto reservation = co_await ctx.run_once("reserve", [&] { return shop_->reserve(order.item, order.quantity); });
    ctx.store().set("reservation", reservation);
    co_return Reserved{reservation, order.quantity * order.price};
  }

  weir::Task<Charged> charge(weir::Context& ctx, const Reserved& reserved) {
    // Recorded with the run: a step that is tried again, or a server that crashes, does not charge twice.
    const auto payment = co_await ctx.run_once("charge", [&] { return shop_->charge(reserved.total); });
    ctx.store().set("payment", payment);
    co_return Charged{payment};
  }

  weir::Task<OrderEnded> ship(weir::Context& ctx, const Charged&) {
    const auto reservation = ctx.store().get<std::string>("reservation");
    const auto tracking = co_await ctx.run_once("ship", [&] { return shop_->ship(reservation); });
    co_return OrderEnded{true, tracking};
  }

  weir::Task<OrderEnded> compensate(weir::Context& ctx, const weir::StepFailedEvent& failure) {
    OrderEnded out{false, failure.step_name + ": " + failure.exception.exception_message};
    if (const auto payment = ctx.store().get<std::string>("payment", ""); !payment.empty()) {
      out.undone.push_back(co_await ctx.run_once("refund", [&] { return shop_->refund(payment), payment; }));
    }
    if (const auto reservation = ctx.store().get<std::string>("reservation", ""); !reservation.empty()) {
      out.undone.push_back(co_await ctx.run_once("release", [&] { return shop_->release(reservation), reservation; }));
    }
    co_return out;
  }

private:
  std::shared_ptr<Shop> shop_;
};

}  // namespace examples
