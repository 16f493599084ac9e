#include "transfers.hpp"
#include "checks.hpp"

#include <weir/pending.hpp>
#include <weir/time.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace weir::client {
namespace {

using Clock = std::chrono::steady_clock;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Transfer {
  Transfers::Id id = 0;
  Request request;
  std::function<void(Reply)> done;
  Reply reply;
  std::unique_ptr<CURL, EasyDeleter> easy;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  std::size_t body_bytes_max = 0;
  bool is_streamed = false;  ///< on_data gets the body
  bool is_cut = false;       ///< the rest of the body is not wanted
  std::size_t head_bytes = 0;
  std::function<void()> on_refusal;  ///< a head says no: what follows has to come in time, however long the answer may take otherwise

  Head head() const { return Head(easy.get()); }
};

/// Of a refusal that is no JSON nobody reads more.
constexpr std::size_t refusal_bytes_max = 64 * 1024;
constexpr std::size_t head_bytes_max = 256 * 1024;

std::size_t receive(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.is_streamed) return transfer.request.on_data({data, size}) ? size : CURL_WRITEFUNC_PAUSE;
  auto& body = transfer.reply.body;
  const auto head = transfer.head();
  const bool is_refusal = head.status() >= 300 && head.content_type() != "application/json";
  const auto left = (is_refusal ? std::min(refusal_bytes_max, transfer.body_bytes_max) : transfer.body_bytes_max) - body.size();
  if (size <= left) {
    body.append(data, size);
    return size;
  }
  if (is_refusal) {
    body.append(data, left);
    transfer.is_cut = true;
  } else {
    transfer.reply.error =
        Error{Code::resource_exhausted, transfer.request.method + " " + shown_url(transfer.request.url) + ": the answer is larger than " +
                                            std::to_string(transfer.body_bytes_max) + " bytes (ClientOptions::body_bytes_max)"};
  }
  return 0;  // ends the transfer
}

/// One line of the head.
std::size_t receive_head(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.head_bytes += size;
  if (transfer.head_bytes > head_bytes_max) return 0;
  const std::string_view line(data, size);
  const bool is_last = line == "\r\n" || line == "\n";
  const auto head = transfer.head();
  if (is_last && transfer.request.on_head && head.status() >= 200) transfer.is_streamed = transfer.request.on_head(head);
  if (is_last && head.status() >= 300) transfer.on_refusal();
  return size;
}

std::string small_letters(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// libcurl knows 0 as "none".
long milliseconds_of(Duration time) {
  return static_cast<long>(std::max<Duration::rep>(1, std::chrono::ceil<std::chrono::milliseconds>(time).count()));
}

Code code_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Code::deadline_exceeded;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return Code::invalid_argument;
    default: return Code::unavailable;
  }
}

/// A proxy has no business with what stays on this machine: it would learn the key. The user's own list is kept.
std::string hosts_without_proxy() {
  std::string out = "localhost,127.0.0.0/8,::1";
  for (const char* name : {"no_proxy", "NO_PROXY"})
    if (const char* listed = std::getenv(name); listed && *listed) {
      if (std::string_view(listed) == "*") return listed;
      return out + "," + listed;
    }
  return out;
}

void initialise_curl_once() {
  static const bool once = [] { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }();
  (void)once;
}

}  // namespace

int Head::status() const {
  long code = 0;
  curl_easy_getinfo(static_cast<CURL*>(easy_), CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

std::string Head::content_type() const {
  const char* type = nullptr;
  curl_easy_getinfo(static_cast<CURL*>(easy_), CURLINFO_CONTENT_TYPE, &type);
  const std::string_view text(type ? type : "");
  const auto end = std::min(text.find_first_of("; \t"), text.size());
  return small_letters(text.substr(0, end));
}

std::optional<std::string> Head::header(const char* name) const {
  curl_header* found = nullptr;
  if (curl_easy_header(static_cast<CURL*>(easy_), name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK) return std::nullopt;
  return found->value;
}

struct Transfers::State {
  ClientOptions options;
  const std::string without_proxy = hosts_without_proxy();
  CURLM* multi = nullptr;
  std::mutex mutex;
  std::deque<std::function<void()>> tasks;
  bool stopping = false;
  std::atomic<Id> next_id{1};
  // The rest belongs to the I/O thread.
  std::unordered_map<Id, std::unique_ptr<Transfer>> open;
  std::multimap<Clock::time_point, std::function<void()>> timers;
  std::thread thread;

  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex);
      tasks.push_back(std::move(task));
    }
    curl_multi_wakeup(multi);
  }

  void set_up(Transfer& transfer) const {
    auto* easy = transfer.easy.get();
    const auto& request = transfer.request;
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);  // a handler may be called what looks like a way up
    set(CURLOPT_NOPROXY, without_proxy.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (request.method == "POST") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    set(CURLOPT_HTTPHEADER, transfer.headers.get());
    set(CURLOPT_WRITEFUNCTION, &receive);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_HEADERFUNCTION, &receive_head);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_PRIVATE, static_cast<void*>(&transfer));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // of two the answer streams share one connection
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);                            // of a proxy
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds_of(options.connect_timeout));
    if (request.timeout) set(CURLOPT_TIMEOUT_MS, milliseconds_of(*request.timeout));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, 15L);  // a server whose machine has gone is missed within a minute
    set(CURLOPT_TCP_KEEPINTVL, 10L);
    if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
    if (!options.verify_tls) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  void add(std::unique_ptr<Transfer> transfer) {
    transfer->easy.reset(curl_easy_init());
    transfer->body_bytes_max = options.body_bytes_max;
    curl_slist* list = nullptr;
    for (const auto& [name, value] : transfer->request.headers) list = curl_slist_append(list, (name + ": " + value).c_str());
    transfer->headers.reset(curl_slist_append(list, "Expect:"));  // no round trip before a body
    set_up(*transfer);
    curl_multi_add_handle(multi, transfer->easy.get());
    const auto id = transfer->id;
    transfer->on_refusal = [this, id] {
      timers.emplace(later(Clock::now(), options.timeout), [this, id] {
        finish(id, Error{Code::deadline_exceeded, "the server's refusal has not ended in time"});
      });
    };
    auto& kept = *open.emplace(id, std::move(transfer)).first->second;
    if (kept.request.stop.stop_possible()) kept.on_stop.emplace(kept.request.stop, [this, id] { abort(id); });
  }

  void finish(Id id, std::optional<Error> error) {
    const auto found = open.find(id);
    if (found == open.end()) return;
    auto transfer = std::move(found->second);
    open.erase(found);
    curl_multi_remove_handle(multi, transfer->easy.get());
    auto& reply = transfer->reply;
    if (error && !transfer->is_cut && !reply.error) reply.error = std::move(error);
    if (!reply.error) reply.status = transfer->head().status();
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(transfer->easy.get(), CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
      reply.retry_after = clamped<Duration>(std::chrono::seconds(seconds));
    transfer->done(std::move(reply));
  }

  void abort(Id id) {
    post([this, id] { finish(id, Error{Code::cancelled, "given up by the caller"}); });
  }

  void finish_completed() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto result = message->data.result;
      void* user = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
      const auto& transfer = *static_cast<Transfer*>(user);
      if (result == CURLE_OK) finish(transfer.id, std::nullopt);
      else
        finish(transfer.id,
               Error{code_of(result), transfer.request.method + " " + shown_url(transfer.request.url) + ": " + curl_easy_strerror(result)});
    }
  }

  /// False when it is time to end.
  bool run_tasks() {
    std::deque<std::function<void()>> due;
    bool stop = false;
    {
      const std::lock_guard lock(mutex);
      due.swap(tasks);
      stop = stopping;
    }
    for (auto& task : due) task();
    while (!timers.empty() && timers.begin()->first <= Clock::now()) {
      const auto action = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      action();
    }
    return !stop;
  }

  int poll_timeout() const {
    if (timers.empty()) return 60000;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers.begin()->first - Clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(std::min<long long>(left, 60000));
  }

  void loop() {
    detail::no_waiting_here = "the I/O thread of a weir::Client";
    while (run_tasks()) {
      int running = 0;
      curl_multi_perform(multi, &running);
      finish_completed();
      curl_multi_poll(multi, nullptr, 0, poll_timeout(), nullptr);
    }
    while (!open.empty()) finish(open.begin()->first, Error{Code::cancelled, "the client has ended"});
  }

  ~State() { curl_multi_cleanup(multi); }
};

Transfers::Transfers(const ClientOptions& options) : state_(std::make_shared<State>()) {
  initialise_curl_once();
  state_->options = options;
  state_->multi = curl_multi_init();
  state_->thread = std::thread([state = state_] { state->loop(); });
}

Transfers::~Transfers() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  curl_multi_wakeup(state_->multi);
  // The last owner may be one of its own callbacks; the thread then ends by itself.
  if (state_->thread.get_id() == std::this_thread::get_id()) state_->thread.detach();
  else state_->thread.join();
}

Transfers::Id Transfers::begin(Request request, std::function<void(Reply)> done) {
  auto transfer = std::make_shared<std::unique_ptr<Transfer>>(std::make_unique<Transfer>());
  const auto id = state_->next_id++;
  (*transfer)->id = id;
  (*transfer)->request = std::move(request);
  (*transfer)->done = std::move(done);
  state_->post([state = state_.get(), transfer] { state->add(std::move(*transfer)); });
  return id;
}

void Transfers::abort(Id id) { state_->abort(id); }

void Transfers::unpause(Id id) {
  state_->post([state = state_.get(), id] {
    if (const auto found = state->open.find(id); found != state->open.end()) curl_easy_pause(found->second->easy.get(), CURLPAUSE_CONT);
  });
}

void Transfers::after(std::chrono::milliseconds delay, std::function<void()> action) {
  const auto due = later(Clock::now(), delay);
  state_->post([state = state_.get(), due, action = std::move(action)] { state->timers.emplace(due, action); });
}

}  // namespace weir::client
