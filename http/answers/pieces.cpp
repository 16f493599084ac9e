#include "pieces.hpp"

#include "background.hpp"
#include "packing.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace weir::http {
namespace {

/// A place among the answers of this process that are sent in pieces.
class Place {
public:
  explicit Place(std::size_t bytes) : bytes_(bytes) {
    ok_ = ++answers <= budget::pieced_answers_max;
    ok_ = (held += bytes_) <= budget::pieced_bytes_max && ok_;
  }
  ~Place() {
    --answers;
    held -= bytes_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool ok() const { return ok_; }

private:
  static inline std::atomic<std::size_t> answers = 0, held = 0;
  std::size_t bytes_;
  bool ok_ = false;
};

Response too_many() {
  return failure({Code::unavailable, "Too many large answers are being sent: read those that were asked for, then try again"});
}

/// Kept alive by the write, or the work, that it waits for.
class PiecedAnswer : public std::enable_shared_from_this<PiecedAnswer> {
public:
  /// `workers`: where pieces are made; none: at once.
  PiecedAnswer(ExchangePtr exchange, std::unique_ptr<Pieces> pieces, std::size_t bytes, std::shared_ptr<Workers> workers,
               std::stop_source gone, const runtime::Service* service)
      : exchange_(std::move(exchange)), pieces_(std::move(pieces)), place_(bytes), workers_(std::move(workers)), gone_(std::move(gone)),
        service_(service) {}

  bool has_place() const { return place_.ok(); }

  void begin(Response head, std::string first, bool packs) {
    if (packs) {
      head.headers.emplace_back("vary", "Accept-Encoding");
      if (takes_gzip(*exchange_)) head.headers.emplace_back("content-encoding", "gzip"), packer_.emplace();
    }
    exchange_->begin_stream(std::move(head));
    if (exchange_->method() == "HEAD") return;
    auto text = packer_ ? packer_->pack(first, false) : std::move(first);
    text.empty() ? make() : send(std::move(text));
  }

private:
  void send(std::string text) {
    exchange_->write(std::move(text), [self = shared_from_this()](bool sent) {
      if (!sent) return;
      if (!self->workers_) return self->make();
      self->workers_->resume({.run = [self] { self->make(); }, .gone = self->gone_});
    });
  }

  void make() {
    try {
      std::string text;
      bool more = true;
      while (more && text.empty()) {
        more = pieces_->append(text);
        if (packer_) text = packer_->pack(text, !more);
      }
      more ? send(std::move(text)) : exchange_->end_stream(std::move(text));
    } catch (const std::exception& error) {
      if (service_) service_->log(LogLevel::error, std::string("an answer was cut: ") + error.what());
      exchange_->respond(problem(500, "The answer could not be finished"));  // too late for that: the connection is cut
    }
  }

  ExchangePtr exchange_;
  std::unique_ptr<Pieces> pieces_;
  Place place_;
  std::shared_ptr<Workers> workers_;
  std::stop_source gone_;
  const runtime::Service* service_;
  std::optional<Packer> packer_ = {};
};

/// What is there already.
class Text final : public Pieces {
public:
  explicit Text(std::string text) : owned_(std::move(text)), left_(owned_) {}
  explicit Text(std::string_view for_ever) : left_(for_ever) {}
  bool append(std::string& out) override {
    out.append(left_.substr(0, budget::piece_bytes));
    left_.remove_prefix(std::min(left_.size(), budget::piece_bytes));
    return !left_.empty();
  }

private:
  std::string owned_;
  std::string_view left_;
};

void send_text(const ExchangePtr& exchange, Response head, std::unique_ptr<Text> text, std::size_t bytes_held) {
  const auto answer =
      std::make_shared<PiecedAnswer>(exchange, std::move(text), bytes_held, nullptr, std::stop_source(std::nostopstate), nullptr);
  if (!answer->has_place()) return exchange->respond(too_many());
  answer->begin(std::move(head), "", false);
}

}  // namespace

void answer_in_pieces(const Call& call, std::unique_ptr<Pieces> pieces, bool packs, Response head) {
  const auto& exchange = call.exchange;
  std::string first;
  bool more = true;
  while (more && first.size() <= budget::whole_answer_bytes_max && !call.gone.stop_requested()) more = pieces->append(first);
  if (call.gone.stop_requested()) return;  // nobody is there
  if (!more) {
    head.body = std::move(first);
    return call.respond(packs ? packed(std::move(head), *exchange) : std::move(head));
  }
  const auto answer =
      std::make_shared<PiecedAnswer>(exchange, std::move(pieces), 0, call.app.workers(Work::search), call.gone, &call.app.service);
  if (!answer->has_place()) return call.respond(too_many());
  answer->begin(std::move(head), std::move(first), packs);
}

void send_answer(const ExchangePtr& exchange, Response response) {
  if (response.body.size() <= budget::whole_answer_bytes_max || response.close || exchange->method() == "HEAD")
    return exchange->respond(std::move(response));
  auto body = std::exchange(response.body, {});
  const auto bytes = body.size();
  send_text(exchange, std::move(response), std::make_unique<Text>(std::move(body)), bytes);
}

void send_static(const ExchangePtr& exchange, Response head, std::string_view body) {
  if (body.size() > budget::piece_bytes && exchange->method() != "HEAD")
    return send_text(exchange, std::move(head), std::make_unique<Text>(body), 0);
  head.body = body;
  exchange->respond(std::move(head));
}

}  // namespace weir::http
