// From bytes to requests, without a socket: what is a request, what is refused, and that it does not matter how the bytes come.
#include <doctest/doctest.h>

#include "http/wire/action_queue.hpp"
#include "http/wire/intake.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace weir::http;

namespace {

/// Keeps what it is answered.
class Kept final : public Exchange {
public:
  std::string_view method() const override { return "GET"; }
  std::string_view target() const override { return "/"; }
  std::string_view body() const override { return {}; }
  std::string_view header(std::string_view) const override { return {}; }
  bool has_header(std::string_view) const override { return false; }
  int version_minor() const override { return 1; }
  void respond(Response response) override { text = std::to_string(response.status) + " " + response.body; }
  void begin_stream(Response head) override { text = std::to_string(head.status) + " "; }
  void write(std::string, std::function<void(bool)>) override {}
  void end_stream(std::string last) override { text += last; }
  void on_closed(std::function<void()>) override {}
  Loop& loop() override { throw std::logic_error("no loop"); }
  std::string text;
};

/// One line for each request that a connection brings, in order: what it is, or how it is refused.
class Connection {
public:
  explicit Connection(Limits limits = {})
      : options_{limits, [](const RequestHead& head) { return admitted(head); }, std::make_shared<Budget>(limits.heads_bytes_max),
                 std::make_shared<Budget>(limits.bodies_bytes_max)} {}

  void receive(std::string_view bytes) {
    intake_.received(bytes);
    if (intake_.take_continue()) said += "continue\n";
    look();
  }
  void end() {
    intake_.ended();
    look();
  }
  void answered() {
    intake_.answered();
    look();
  }
  std::string said;
  Intake& intake() { return intake_; }
  const IntakeOptions& options() const { return options_; }
  bool answers_at_once = true;

private:
  static Admission admitted(const RequestHead& head) {
    if (head.target() == "/refused")
      return {[](const ExchangePtr& exchange) { exchange->respond({.status = 401, .body = "no key"}); }, false};
    return {};
  }
  void look() {
    while (intake_.ready()) {
      const auto arrived = intake_.take();
      if (arrived.answer) {
        const auto exchange = std::make_shared<Kept>();
        arrived.answer(exchange);
        said += exchange->text;
      } else {
        const auto& head = arrived.head;
        said += std::string(head.method()) + " " + std::string(head.target()) + " " + std::string(head.header("host"));
        if (head.framing().has_body()) said += " [" + arrived.body + "]";
      }
      said += arrived.closes ? " closes\n" : "\n";
      if (!answers_at_once) return;
      intake_.answered();
    }
  }

  IntakeOptions options_;
  Intake intake_{options_};
};

std::string whole(std::string_view bytes, const Limits& limits = {}) {
  Connection connection(limits);
  connection.receive(bytes);
  connection.end();
  return connection.said;
}

/// What comes in two pieces, or byte by byte, is what comes in one.
void check_splits(const std::string& bytes, const std::string& wanted) {
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    Connection connection;
    connection.receive(std::string_view(bytes).substr(0, at));
    connection.receive(std::string_view(bytes).substr(at));
    connection.end();
    if (connection.said != wanted) FAIL("split at " << at << " of " << bytes << ": " << connection.said);
  }
  Connection slow;
  for (const char& c : bytes) slow.receive({&c, 1});
  slow.end();
  CHECK(slow.said == wanted);
}

constexpr std::string_view invalid = "400 Invalid HTTP request received.";

}  // namespace

TEST_CASE("requests that follow each other arrive one by one, wherever they are split") {
  const std::pair<const char*, const char*> cases[] = {
      {"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a x\n"},
      {"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b?c=d HTTP/1.1\r\nhost:y:80 \r\n\r\n", "GET /a x\nGET /b?c=d y:80\n"},
      {"\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a x\n"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "POST /a x [abc]\nGET /b x\n"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nab", "POST /a x [ab]\n"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "POST /a x\nGET /b x\n"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1;q=\"a;\\\"b\" ; r\r\nc\r\n0\r\nT: v\r\n\r\nGET /b HTTP/1.1\r\nHost: "
       "x\r\n\r\n",
       "POST /a x [abc]\nGET /b x\n"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n000a\r\n0123456789\r\n0\r\n\r\n", "POST /a x [0123456789]\n"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a x closes\n"},
      {"GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a  closes\n"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI * HTTP/2.0\r\n\r\n", "GET /a x closes\n"},
      {"GET http://www.example.org:81/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a?b www.example.org:81\n"},
      {"GET HTTPS://h?b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /?b h\n"},
      {"GET http://[::1]:80 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / [::1]:80\n"},
      {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * x\n"},
      {"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\nsecret", "CONNECT x:80 x:80 closes\n"},
      {"FOO-BAR /a HTTP/1.9\r\nHost: x\r\nA:\r\nB: \t caf\xc3\xa9 \t\r\n\r\n", "FOO-BAR /a x\n"},
      {"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "401 no key\nGET /b x\n"},
      {"POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "401 no key closes\n"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\na", "POST /a x [a]\n"},
  };
  for (const auto& [bytes, wanted] : cases) {
    CHECK_MESSAGE(whole(bytes) == wanted, bytes);
    check_splits(bytes, wanted);
  }
}

TEST_CASE("every odd request is refused, wherever it is split") {
  const auto head = [](const std::string& lines) { return "POST /a HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n"; };
  const auto chunked = [&](const std::string& body) { return head("Transfer-Encoding: chunked\r\n") + body; };
  const std::string nul(1, '\0');
  const std::pair<std::string, std::string> cases[] = {
      // lines and characters
      {"GET /a HTTP/1.1\nHost: x\r\n\r\n", "400 A LF stands alone"},
      {"GET /a HTTP/1.1\r\nHost: x\n\r\n", "400 A LF stands alone"},
      {"GET /a HTTP/1.1\r\nHost: x\r\n\n", "400 A LF stands alone"},
      {"GET /a HTTP/1.1\rHost: x\r\n\r\n", "400 A CR stands alone"},
      {"GET /a HTTP/1.1\r\nHost: x\r\r\n\r\n", "400 A CR stands alone"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nA: a" + nul + "b\r\n\r\n", "400 A control character"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nA: a\x1b[2Jb\r\n\r\n", "400 A control character"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nA: a\x7f\r\n\r\n", "400 A control character"},
      {"\x16\x03\x01\x02", "400 A control character"},
      {"\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "400 More than one empty line"},
      {head("A: b\r\n c\r\n"), "400 A header field is folded"},
      {head("A : b\r\n"), "400 A blank stands before the colon"},
      {head("A\t: b\r\n"), "400 A blank stands before the colon"},
      {head("A b: c\r\n"), "400 The name of a header field"},
      {head(": c\r\n"), "400 The name of a header field"},
      {head("nonsense\r\n"), "400 A line of the head has no colon"},
      // the first line
      {"GARBAGE\r\n\r\n", "400"},
      {"GET /he alth HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET /a  HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {" GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET /a\r\nHost: x\r\n\r\n", "400"},
      {"G(T /a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET a HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target is neither"},
      {"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target is neither"},
      {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target is neither"},
      {"GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target's host"},
      {"GET http://u@h/a HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target's host"},
      {"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target contains"},
      {"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", "400 The target contains"},
      {"GET /a HTTP/1.1 \r\nHost: x\r\n\r\n", "400"},
      {"GET /a http/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET /a HTTP/1.10\r\nHost: x\r\n\r\n", "400"},
      {"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", "505 {\"detail\":\"This server speaks HTTP/1.1, not HTTP/2.0\"}"},
      {"GET /a HTTP/0.9\r\nHost: x\r\n\r\n", "505"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      // who is asked
      {"GET /a HTTP/1.1\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400 The Host field is given more than once"},
      {"GET /a HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "400 The Host field is given more than once"},
      {"GET /a HTTP/1.1\r\nHost: x y\r\n\r\n", "400 The Host field is no host"},
      {"GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n", "400 The Host field is no host"},
      {"GET http://x/a HTTP/1.1\r\n\r\n", "400"},
      // how long it is
      {head("Content-Length: -1\r\n"), "400"},
      {head("Content-Length: +1\r\n"), "400"},
      {head("Content-Length: 0x1\r\n"), "400"},
      {head("Content-Length: 1 1\r\n"), "400"},
      {head("Content-Length:\r\n"), "400"},
      {head("Content-Length: 2,\r\n"), "400"},
      {head("Content-Length: 2, 3\r\n"), "400"},
      {head("Content-Length: 2\r\nContent-Length: 3\r\n"), "400"},
      {head("Content-Length: 17000000\r\n"), "413"},
      {head("Content-Length: 99999999999999999999999\r\n"), "413"},
      {head("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "400 Content-Length and Transfer-Encoding are both given"},
      {head("Transfer-Encoding: gzip\r\n"), "501"},
      {head("Transfer-Encoding: gzip, chunked\r\n"), "501"},
      {head("Transfer-Encoding: xchunked\r\n"), "501"},
      {head("Transfer-Encoding: identity\r\n"), "501"},
      {head("Transfer-Encoding: chunked, chunked\r\n"), "400 The transfer coding chunked"},
      {head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "400 The transfer coding chunked"},
      {head("Transfer-Encoding:\r\n"), "400 The Transfer-Encoding field is empty"},
      {"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 HTTP/1.0 has no Transfer-Encoding"},
      {head("Expect: the-unexpected\r\n"), "417"},
      {head("Content-Encoding: br\r\nContent-Length: 1\r\n"), "415"},
      {head("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), "415"},
      // chunks
      {chunked("zz\r\nab\r\n"), "400"},
      {chunked("\r\n"), "400"},
      {chunked("2\nab\r\n0\r\n\r\n"), "400"},
      {chunked("2\r\nab\n0\r\n\r\n"), "400"},
      {chunked("2\r\nabc\r\n0\r\n\r\n"), "400"},
      {chunked("2\r\nab0\r\n\r\n"), "400"},
      {chunked("2 \r\nab\r\n0\r\n\r\n"), "400"},
      {chunked(" 2\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("0x2\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("-2\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("2;a\nb\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("2;\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("2;a=\"b\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("2;a=b c\r\nab\r\n0\r\n\r\n"), "400"},
      {chunked("00000000000000002\r\nab\r\n"), "400"},
      {chunked("ffffffffffffffff\r\n" + std::string(100, 'x')), "400"},
      {chunked("0\r\nTrailer\r\n\r\n"), "400"},
      {chunked("0\r\nA : b\r\n\r\n"), "400"},
      {chunked("0\r\nA: b\n\r\n"), "400"},
  };
  for (const auto& [bytes, wanted] : cases) {
    const auto said = whole(bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto start = wanted.starts_with("400") ? std::string(invalid) + wanted.substr(3) : wanted;
    CHECK_MESSAGE(said.substr(0, start.size()) == start, bytes << " -> " << said);
    CHECK_MESSAGE(said.ends_with(" closes\n"), bytes << " -> " << said);
    CHECK_MESSAGE(std::count(said.begin(), said.end(), '\n') == 1, bytes << " -> " << said);
    check_splits(bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", said);
  }
}

TEST_CASE("what grows too large is refused when it does") {
  const Limits small{.target_bytes_max = 100, .head_bytes_max = 1000, .fields_max = 10, .body_bytes_max = 50, .chunk_extras_bytes_max = 64};
  const auto begin = [&](const std::string& bytes) {
    Connection connection(small);
    connection.receive(bytes);
    return connection.said.substr(0, 3);
  };
  CHECK(begin("GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n") == "414");
  CHECK(begin("GET /" + std::string(1000, 'a')) == "414");
  CHECK(begin("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1000, 'a')) == "431");
  std::string many;
  for (int i = 0; i < 11; ++i) many += "A: b\r\n";
  CHECK(begin("GET / HTTP/1.1\r\n" + many) == "431");
  const std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(begin(chunked + "28\r\n" + std::string(40, 'a') + "\r\n28\r\n" + std::string(40, 'a')) == "413");
  CHECK(begin(chunked + "1;" + std::string(100, 'a')) == "400");
  CHECK(begin(chunked + "0\r\nA: " + std::string(100, 'a')) == "400");
  std::string extended;
  for (int i = 0; i < 10; ++i) extended += "1;" + std::string(30, 'a') + "\r\nb\r\n";
  CHECK(begin(chunked + extended) == "400");
}

TEST_CASE("a client that waits for 100 Continue is heard when its request is let in, once") {
  Connection connection;
  connection.receive("POST /a HTTP/1.1\r\nHost: x\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n");
  connection.receive("{");
  connection.receive("}");
  CHECK(connection.said == "continue\nPOST /a x [{}]\n");
  CHECK(whole("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}") == "POST /a x [{}]\n");
  CHECK(whole("POST /refused HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n") == "401 no key closes\n");
  CHECK(whole("POST /a HTTP/1.0\r\nExpect: other\r\nContent-Length: 2\r\n\r\n{}") == "POST /a  [{}] closes\n");
}

TEST_CASE("behind an unanswered request little is read, and nothing is looked at") {
  Connection connection({.pipelined_bytes_max = 1000});
  connection.answers_at_once = false;
  connection.receive("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(connection.intake().room() == 1000);
  const std::string next = "GET /b HTTP/1.1\r\nHost: x\r\n\r\nBAD\n";
  connection.receive(next);
  CHECK(connection.said == "GET /a x\n");
  CHECK(connection.intake().room() == 1000 - next.size());
  connection.intake().answered();
  connection.receive("");
  CHECK(connection.said == "GET /a x\nGET /b x\n");
  connection.receive(std::string(1000, 'x'));
  CHECK(connection.intake().room() == 0);
}

TEST_CASE("a request that is cut short or takes too long is told so, an idle connection is not") {
  Connection connection;
  CHECK_FALSE(connection.intake().timed_out());
  CHECK_FALSE(connection.intake().ended());
  connection.receive("GET /a HTTP/1.1\r\nHo");
  CHECK(connection.intake().timed_out());
  connection.receive("");
  CHECK(connection.said == "408 {\"detail\":\"The request was not complete in time\"} closes\n");
  CHECK(whole("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab") ==
        std::string(invalid) + " The request ends before it is complete. closes\n");
}

TEST_CASE("all connections together keep no more of heads and bodies than they may") {
  const Limits limits{.heads_bytes_max = 1000, .bodies_bytes_max = 100000, .free_bytes = 1000};
  Connection connection(limits);
  const auto& options = connection.options();
  const std::string post = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + std::string(59999, 'a');
  Intake one(options), two(options), three(options);
  one.received(post);
  CHECK(options.bodies->used() > 50000);
  CHECK_FALSE(one.ready());
  two.received(post);
  REQUIRE(two.ready());
  const auto exchange = std::make_shared<Kept>();
  two.take().answer(exchange);
  CHECK(exchange->text.starts_with("503 "));
  three.received("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'a'));
  CHECK(three.take().body.size() == 900);
  one.received("a");
  CHECK(one.take().body.size() == 60000);
  CHECK(options.bodies->used() == 0);

  Intake four(options), five(options);
  four.received("GET / HTTP/1.1\r\nA: " + std::string(1800, 'a'));
  CHECK(options.heads->used() > 0);
  five.received("GET / HTTP/1.1\r\nA: " + std::string(1800, 'a'));
  CHECK(five.ready());
  four.stop();
  CHECK(options.heads->used() == 0);
}

TEST_CASE("a request that waits and finds no memory is refused behind the answer to the one before it") {
  const Limits limits{.heads_bytes_max = 1000, .free_bytes = 100};
  Connection connection(limits);
  connection.answers_at_once = false;
  connection.receive("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(connection.said == "GET /a x\n");
  connection.receive("GET /b HTTP/1.1\r\nHost: x\r\nA: " + std::string(1800, 'a'));
  CHECK_FALSE(connection.intake().ready());
  CHECK_FALSE(connection.intake().over());
  CHECK(connection.intake().room() > 0);  // what follows is read and dropped: its end tells that the client has gone
  connection.receive("\r\n\r\n");
  CHECK(connection.options().heads->used() == 0);
  connection.answered();
  CHECK(connection.said.starts_with("GET /a x\n503 "));
  CHECK(connection.said.ends_with(" closes\n"));
  CHECK(connection.intake().over());
}

TEST_CASE("a body in chunks of one byte costs no more than its bytes") {
  Connection connection;
  connection.answers_at_once = false;
  std::string chunks;
  for (int i = 0; i < 100000; ++i) chunks += "1\r\na\r\n";
  connection.receive("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  connection.receive(chunks);
  CHECK(connection.options().bodies->used() < 300000);
  connection.receive("0\r\n\r\n");
  CHECK(connection.said.size() > 100000);
}

TEST_CASE("actions are done in order, some at a time, and one that throws keeps none from those behind it") {
  ActionQueue queue;
  std::string done;
  const auto now = [] { return std::chrono::steady_clock::now(); };
  int again = 0;
  const auto tell_again = [&] { ++again; };

  CHECK(queue.push([&] { done += "a"; }));
  CHECK_FALSE(queue.push([&] {
    done += "b";
    CHECK_FALSE(queue.push([&] { done += "d"; }));  // whoever works comes to it
  }));
  CHECK_FALSE(queue.push([&] { done += "c"; }));
  CHECK(queue.work(now(), tell_again));  // time is over after the first
  CHECK(done == "a");
  CHECK_FALSE(queue.work(now() + std::chrono::hours(1), tell_again));
  CHECK(done == "abcd");

  CHECK(queue.push([&] { throw std::runtime_error("no"); }));
  CHECK_FALSE(queue.push([&] { done += "e"; }));
  CHECK_THROWS(queue.work(now() + std::chrono::hours(1), tell_again));
  CHECK(again == 1);
  CHECK_FALSE(queue.work(now() + std::chrono::hours(1), tell_again));
  CHECK(done == "abcde");
  CHECK(queue.push([] {}));
}
