// The floor: RESTinio alone doing the same bytes. POST /run parses a body and answers a handler object; GET /stream sends
// a recorded stream in chunks.
#include <nlohmann/json.hpp>
#include <restinio/all.hpp>

#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using Traits = restinio::traits_t<restinio::asio_timer_manager_t, restinio::null_logger_t,
                                  std::function<restinio::request_handling_status_t(restinio::request_handle_t)>, restinio::noop_strand_t>;

const char* const handler =
    R"({"handler_id":"kT3vQ9xLm2","workflow_name":"noop","run_id":"aZ81mmQpR0","error":null,"result":{"value":{},"qualified_name":"workflows.events.StopEvent","type":"StopEvent","types":null},"status":"completed","started_at":"2026-03-01T08:00:00.120045+00:00","updated_at":"2026-03-01T08:00:02.500100+00:00","completed_at":"2026-03-01T08:00:02.500100+00:00"})";

/// Parses the request, builds the answer as a document and prints it: what a plain JSON server does.
restinio::request_handling_status_t run(const restinio::request_handle_t& request) {
  const auto body = nlohmann::json::parse(request->body());
  static const auto pattern = nlohmann::ordered_json::parse(handler);
  auto answer = pattern;
  answer["workflow_name"] = body.contains("start_event") ? "noop" : "none";
  return request->create_response().append_header(restinio::http_field::content_type, "application/json").set_body(answer.dump()).done();
}

class Stream : public std::enable_shared_from_this<Stream> {
public:
  Stream(const restinio::request_handle_t& request, const std::string& bytes)
      : response_(request->create_response<restinio::chunked_output_t>()), bytes_(bytes) {}
  void next() {
    if (at_ >= bytes_.size()) {
      response_.done();
      return;
    }
    const auto size = std::min(bytes_.size() - at_, chunk_bytes);
    response_.append_chunk(bytes_.substr(at_, size));
    at_ += size;
    response_.flush([self = shared_from_this()](const restinio::asio_ns::error_code& error) {
      if (!error) self->next();
    });
  }

private:
  static constexpr std::size_t chunk_bytes = 65536;
  restinio::response_builder_t<restinio::chunked_output_t> response_;
  const std::string& bytes_;
  std::size_t at_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: weir-bench-bare PORT STREAM_FILE\n";
    return 2;
  }
  std::stringstream recorded;
  recorded << std::ifstream(argv[2]).rdbuf();
  const auto bytes = recorded.str();
  auto handle = [&bytes](restinio::request_handle_t request) {
    if (request->header().request_target() == "/run") return run(request);
    std::make_shared<Stream>(request, bytes)->next();
    return restinio::request_accepted();
  };
  restinio::run(restinio::on_this_thread<Traits>()
                    .port(static_cast<std::uint16_t>(std::stoi(argv[1])))
                    .address("127.0.0.1")
                    .max_pipelined_requests(2)
                    .socket_options_setter([](auto& options) { options.set_option(restinio::asio_ns::ip::tcp::no_delay(true)); })
                    .request_handler(handle));
}
