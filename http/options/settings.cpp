#include "settings.hpp"

#include "durations.hpp"
#include "http/access/key_file.hpp"

#include <CLI/Config.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace weir::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

[[noreturn]] void refuse(const std::string& allowed, const std::string& value) {
  throw std::invalid_argument("must be " + allowed + ", got '" + value + "'");
}

template <class T>
T number(const std::string& text, T least, T most) {
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < least || out > most)
    refuse("a whole number from " + std::to_string(least) + " to " + std::to_string(most), text);
  return out;
}

template <class T>
T word(const std::string& text, std::initializer_list<std::pair<std::string_view, T>> words) {
  std::string allowed;
  for (const auto& [name, value] : words) {
    if (name == text) return value;
    allowed += (allowed.empty() ? "" : " or ") + std::string(name);
  }
  refuse(allowed, text);
}

Duration duration(const std::string& text) {
  const auto out = parse_duration(text);
  if (!out) refuse("a time like 250ms, 60s, 5m or 7d", text);
  return *out;
}
std::optional<Duration> duration_or_never(const std::string& text) {
  if (text == "never") return std::nullopt;
  const auto out = parse_duration(text);
  if (!out) refuse("a time like 60s or 5m, or never", text);
  return out;
}
std::string shown(const std::optional<Duration>& time) {
  if (!time) return "never";
  return *time % seconds(1) == Duration::zero() ? std::to_string(*time / seconds(1)) + "s" : std::to_string(*time / milliseconds(1)) + "ms";
}

std::string shown(const Retention& retention) {
  std::string out;
  const auto add = [&](const char* status, const std::optional<Duration>& kept) {
    if (kept) out += (out.empty() ? "" : ",") + std::string(status) + "=" + shown(kept);
  };
  add("completed", retention.completed);
  add("failed", retention.failed);
  add("cancelled", retention.cancelled);
  return out;
}

using Texts = std::vector<std::string>;

std::string joined(const Texts& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

constexpr std::array table{
    Setting{"host", "ADDRESS", "Address to listen on; 0.0.0.0 for all", false, [](const Draft& d) { return d.options.host; },
            [](Draft& d, const Texts& v) { d.options.host = v.back(); }},
    Setting{"port", "N", "Port to listen on; 0 picks a free one", false, [](const Draft& d) { return std::to_string(d.options.port); },
            [](Draft& d, const Texts& v) { d.options.port = number<std::uint16_t>(v.back(), 0, 65535); }},
    Setting{"api-key", "KEY", "Requests must bring this key (Authorization: Bearer KEY). Several: any of them", true,
            [](const Draft& d) { return std::string(d.options.api_keys.empty() ? "" : "***"); },
            [](Draft& d, const Texts& v) {
              // An unset shell variable must not leave the door open.
              for (const auto& key : v)
                if (key.empty()) refuse("a key that is not empty", key);
              d.options.api_keys = v;
            }},
    Setting{
        "api-key-file", "FILE",
        "A file of such keys, one a line (# begins a comment), that only its owner can read: a key on the command line is seen by every "
        "user of the machine",
        false, [](const Draft& d) { return d.key_file; },
        [](Draft& d, const Texts& v) {
          d.file_keys = read_key_file(v.back());
          d.key_file = v.back();
        }},
    Setting{"allow-origin", "ORIGIN",
            "Web pages of this origin (https://app.example.org; * for all) may use the server, beside its own and those of localhost. Not "
            "needed where there is a key",
            true, [](const Draft& d) { return joined(d.options.allowed_origins); },
            [](Draft& d, const Texts& v) {
              for (const auto& origin : v)
                if (origin != "*" && (origin.find("://") == origin.npos || origin.ends_with('/')))
                  refuse("an origin like https://app.example.org, or *", origin);
              d.options.allowed_origins = v;
            }},
    Setting{"allow-host", "NAME",
            "The server answers under this name (* for all) too, beside localhost and its addresses, so that no page's name can be made to "
            "lead to it. Not needed where there is a key",
            true, [](const Draft& d) { return joined(d.options.allowed_hosts); },
            [](Draft& d, const Texts& v) {
              for (const auto& host : v)
                if (host.empty() || host.find('/') != host.npos) refuse("a name like workflows.example.org, or *", host);
              d.options.allowed_hosts = v;
            }},
    Setting{"read-only", "", "Runs can be looked at, but not started, changed or ended over HTTP", false,
            [](const Draft& d) { return std::string(d.options.read_only ? "true" : "false"); },
            [](Draft& d, const Texts& v) {
              d.options.read_only = word<bool>(v.back(), {{"true", true}, {"false", false}});
            }},
    Setting{"store", "STORE", "Where runs are kept: memory, or sqlite:PATH for a file that outlives the process", false,
            [](const Draft& d) { return d.store; },
            [](Draft& d, const Texts& v) {
              if (v.back() != "memory" && !v.back().starts_with("sqlite:")) refuse("memory or sqlite:PATH", v.back());
              d.store = v.back();
            }},
    Setting{"sync", "full|normal",
            "With a file: full survives a power cut; normal survives a crash of the program, and is faster where commits are few", false,
            [](const Draft& d) { return std::string(d.sync == SqliteSync::full ? "full" : "normal"); },
            [](Draft& d, const Texts& v) {
              d.sync = word<SqliteSync>(v.back(), {{"full", SqliteSync::full}, {"normal", SqliteSync::normal}});
            }},
    Setting{
        "durability", "strict|pipelined",
        "With a file: strict starts a step when what led to it is on disk; pipelined at once, and shows nothing before it is", false,
        [](const Draft& d) { return std::string(d.options.runtime.durability == Durability::strict ? "strict" : "pipelined"); },
        [](Draft& d, const Texts& v) {
          d.options.runtime.durability = word<Durability>(v.back(), {{"strict", Durability::strict}, {"pipelined", Durability::pipelined}});
        }},
    Setting{"idle-timeout", "TIME", "With a file: how long a run only waits before it leaves memory, or never", false,
            [](const Draft& d) { return shown(d.options.runtime.idle_timeout); },
            [](Draft& d, const Texts& v) { d.options.runtime.idle_timeout = duration_or_never(v.back()); }},
    Setting{"retain", "TIME",
            "How long handlers are kept after their end, like 7d, or completed=1d for those that ended so. Without it, for ever", true,
            [](const Draft& d) { return shown(d.options.runtime.retention); },
            [](Draft& d, const Texts& v) { d.options.runtime.retention = parse_retention(v); }},
    Setting{"actor-threads", "N", "Threads that run steps which do not block", false,
            [](const Draft& d) { return std::to_string(d.options.runtime.actor_threads); },
            [](Draft& d, const Texts& v) { d.options.runtime.actor_threads = number<std::size_t>(v.back(), 1, 1024); }},
    Setting{"blocking-threads", "N", "Most threads for steps that block; more steps wait", false,
            [](const Draft& d) { return std::to_string(d.options.runtime.blocking_threads_max); },
            [](Draft& d, const Texts& v) { d.options.runtime.blocking_threads_max = number<std::size_t>(v.back(), 1, 100000); }},
    Setting{"slow-step", "TIME", "A step that holds one of the actor threads for longer is named in the log", false,
            [](const Draft& d) { return shown(d.options.runtime.slow_step); },
            [](Draft& d, const Texts& v) { d.options.runtime.slow_step = duration(v.back()); }},
    Setting{"stream-backlog", "BYTES", "What a run's steps may have written that is not stored yet; beyond, they wait where they write",
            false, [](const Draft& d) { return std::to_string(d.options.runtime.budget.stream_backlog_bytes_max); },
            [](Draft& d, const Texts& v) {
              d.options.runtime.budget.stream_backlog_bytes_max = number<std::size_t>(v.back(), 1, std::size_t{1} << 40);
            }},
    Setting{"events-in-memory", "N", "Events of one run that are kept where there is no file; beyond, its oldest are forgotten", false,
            [](const Draft& d) { return std::to_string(d.options.runtime.budget.events_in_memory_max); },
            [](Draft& d, const Texts& v) {
              d.options.runtime.budget.events_in_memory_max = number<std::size_t>(v.back(), 1, std::size_t{1} << 40);
            }},
    Setting{"history-rows", "N", "Events of one run that are kept in any store; beyond, its oldest are forgotten and it is slowed", false,
            [](const Draft& d) { return std::to_string(d.options.runtime.budget.history_rows_max); },
            [](Draft& d, const Texts& v) {
              d.options.runtime.budget.history_rows_max = number<std::int64_t>(v.back(), 1, std::int64_t{1} << 40);
            }},
    Setting{"heartbeat", "TIME", "A comment on event streams that are idle for so long, or never", false,
            [](const Draft& d) { return shown(d.options.heartbeat ? std::optional<Duration>(*d.options.heartbeat) : std::nullopt); },
            [](Draft& d, const Texts& v) {
              d.options.heartbeat.reset();
              if (const auto time = duration_or_never(v.back()); time && *time > Duration::zero())
                d.options.heartbeat = std::chrono::duration_cast<milliseconds>(*time);
            }},
    Setting{"default-cursor", "auto|now|start",
            "What a stream without a cursor begins with: start, now, or auto: everything for a run's first reader, then only new events",
            false, [](const Draft& d) { return d.options.default_cursor; },
            [](Draft& d, const Texts& v) {
              d.options.default_cursor = word<const char*>(v.back(), {{"auto", "auto"}, {"now", "now"}, {"start", "start"}});
            }},
    Setting{"accept-context-api", "", "Let requests bring a context to start from", false,
            [](const Draft& d) { return std::string(d.options.accept_context_api ? "true" : "false"); },
            [](Draft& d, const Texts& v) {
              d.options.accept_context_api = word<bool>(v.back(), {{"true", true}, {"false", false}});
            }},
    Setting{
        "read-timeout", "TIME", "How long a client may take to send a request, or to begin the next one", false,
        [](const Draft& d) { return shown(Duration(d.options.read_timeout)); },
        [](Draft& d, const Texts& v) { d.options.read_timeout = std::max(seconds(1), std::chrono::ceil<seconds>(duration(v.back()))); }},
    Setting{"drain-timeout", "TIME",
            "How long a stop may take: requests in flight finish, steps that run are asked to end, what has not ended is left behind",
            false, [](const Draft& d) { return shown(Duration(d.options.drain_timeout)); },
            [](Draft& d, const Texts& v) { d.options.drain_timeout = std::chrono::ceil<seconds>(duration(v.back())); }},
    Setting{"body-max", "BYTES", "Bytes a request body may have", false,
            [](const Draft& d) { return std::to_string(d.options.body_bytes_max); },
            [](Draft& d, const Texts& v) { d.options.body_bytes_max = number<std::size_t>(v.back(), 1, std::size_t{1} << 40); }},
    Setting{"connections-max", "N", "Connections served at once; more wait", false,
            [](const Draft& d) { return std::to_string(d.options.connections_max); },
            [](Draft& d, const Texts& v) { d.options.connections_max = number<std::size_t>(v.back(), 1, 1000000); }},
};

const Setting* find(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Setting& setting) { return setting.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Texts split(const std::string& text) {
  Texts out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

void apply(Configuration& configuration, const Setting& setting, const Texts& values, const std::string& source) {
  if (values.empty() && !setting.repeatable)
    throw std::invalid_argument(source + " has no value: an empty list is only for what may be repeated");
  try {
    setting.apply(configuration.draft, values);
  } catch (const std::invalid_argument& error) { throw std::invalid_argument(source + " " + error.what()); }
  configuration.sources[std::string(setting.name)] = source;
}

void apply_file(Configuration& configuration, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("the configuration file '" + path + "' cannot be read");
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigBase().from_config(file);
  } catch (const CLI::Error& error) { throw std::invalid_argument(path + ": " + error.what()); }
  for (const auto& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // how CLI11 marks the sections of a file
    const auto* setting = find(item.name);
    if (!setting || !item.parents.empty())
      throw std::invalid_argument(path + ": there is no setting '" + item.fullname() + "'. `weir serve --help` lists them");
    apply(configuration, *setting, item.inputs, path + ": " + item.name);
  }
}

void apply_environment(Configuration& configuration) {
  const auto from = [&](const Setting& setting, const std::string& variable) {
    const char* text = std::getenv(variable.c_str());
    if (!text || !*text) return false;
    apply(configuration, setting, setting.repeatable ? split(text) : Texts{text}, variable);
    return true;
  };
  for (const auto& setting : table) {
    if (from(setting, environment_variable(setting))) continue;
    // What deployments of the Python server have set.
    if (setting.name == "host") from(setting, "WORKFLOWS_PY_SERVER_HOST");
    if (setting.name == "port") from(setting, "WORKFLOWS_PY_SERVER_PORT");
  }
}

}  // namespace

std::span<const Setting> settings() { return table; }

std::string environment_variable(const Setting& setting) {
  std::string out = "WEIR_";
  for (const char c : setting.name) out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

void configure(Configuration& configuration, const Values& flags, std::string config_file) {
  if (const char* named = std::getenv("WEIR_CONFIG"); config_file.empty() && named) config_file = named;
  if (!config_file.empty()) apply_file(configuration, config_file);
  apply_environment(configuration);
  for (const auto& [name, values] : flags) apply(configuration, *find(name), values, "--" + name);
}

ServerOptions finished(const Configuration& configuration) {
  auto out = configuration.draft.options;
  const auto& file_keys = configuration.draft.file_keys;
  out.api_keys.insert(out.api_keys.end(), file_keys.begin(), file_keys.end());
  constexpr std::string_view sqlite_prefix = "sqlite:";
  if (const auto& store = configuration.draft.store; store.starts_with(sqlite_prefix))
    out.store = sqlite(store.substr(sqlite_prefix.size()), {.sync = configuration.draft.sync});
  return out;
}

std::string printed(const Configuration& configuration) {
  std::string out;
  for (const auto& setting : table) {
    const auto value = setting.shown(configuration.draft);
    const auto source = configuration.sources.find(setting.name);
    auto line = std::string(setting.name) + " = \"" + value + "\"";
    if (value.empty()) line = "# " + std::string(setting.name) + " is not set";
    else if (source != configuration.sources.end()) line += "  # " + source->second;
    out += line + "\n";
  }
  return out;
}

std::string settings_table() {
  std::string out = "| flag | environment | default | meaning |\n|---|---|---|---|\n";
  const auto cell = [](std::string text) {
    for (auto at = text.find('|'); at != text.npos; at = text.find('|', at + 2)) text.insert(at, "\\");
    return text;
  };
  const Draft defaults;
  for (const auto& setting : table) {
    const auto value = setting.shown(defaults);
    out += "| `--" + std::string(setting.name) + (setting.placeholder.empty() ? "" : " " + cell(std::string(setting.placeholder))) +
           "` | `" + environment_variable(setting) + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " +
           cell(std::string(setting.description)) + " |\n";
  }
  return out;
}

}  // namespace weir::http
