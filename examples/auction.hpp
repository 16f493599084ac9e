// Bids come as their senders like; a mailbox keeps them, in order, until the auction has time for the next.
#pragma once

#include <weir/weir.hpp>

namespace examples {

struct Lot {
  using kind = weir::StartEvent;
  std::string title;
};
struct Bid {
  using kind = weir::HumanResponseEvent;
  std::string bidder;
  int amount;
};
struct Price {
  int amount = 0;
  std::string bidder = "";
};
struct Sold {
  using kind = weir::StopEvent;
  std::string bidder;
  int amount;
};

struct Auction : weir::Workflow {
  Auction() {
    mailbox<Bid>();
    step<&Auction::open>();
    step<&Auction::listen>();
    no_timeout();
  }

  Price open(const Lot&) { return {}; }

  weir::Task<std::variant<Price, Sold>> listen(weir::Context& ctx, const Price& price) {
    const weir::WaitOptions patience{.timeout = std::chrono::minutes(1)};
    try {
      const auto bid = co_await ctx.receive<Bid>(patience);
      if (bid.amount <= price.amount) co_return price;
      ctx.write_event_to_stream(Price{bid.amount, bid.bidder});
      co_return Price{bid.amount, bid.bidder};
    } catch (const weir::WaitTimeout&) { co_return Sold{price.bidder, price.amount}; }
  }
};

}  // namespace examples
