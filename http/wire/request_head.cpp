#include "request_head.hpp"

#include "grammar.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace weir::http {

using namespace std::string_view_literals;

HeadEnd::Found HeadEnd::fail(Fault fault) {
  fault_ = std::move(fault);
  return Found::fault;
}

HeadEnd::Found HeadEnd::line_end(std::string_view bytes, const Limits& limits, bool& ended) {
  if (seen_ + 1 == bytes.size()) {
    ended = true;
    return Found::nothing_yet;
  }
  if (bytes[seen_ + 1] != '\n') return fail(Fault::malformed("A CR stands alone in the head; lines end in CR LF."));
  const bool empty = seen_ == line_;
  seen_ += 2;
  line_ = seen_;
  if (!empty) {
    if (++lines_ > limits.fields_max + 1)
      return fail({431, "The request has more than " + std::to_string(limits.fields_max) + " header fields"});
    return Found::nothing_yet;
  }
  if (lines_ > 0) return Found::end;
  if (begin_ > 0) return fail(Fault::malformed("More than one empty line stands before the request."));
  begin_ = seen_;
  return Found::nothing_yet;
}

HeadEnd::Found HeadEnd::look(std::string_view bytes, const Limits& limits) {
  for (bool ended = false; !ended;) {
    while (seen_ < bytes.size() && grammar::has(grammar::text_characters, bytes[seen_])) ++seen_;
    if (seen_ - begin_ > limits.head_bytes_max) {
      if (lines_ == 0) return fail({414, "The request target is longer than " + std::to_string(limits.target_bytes_max) + " bytes"});
      return fail({431, "The request head is larger than " + std::to_string(limits.head_bytes_max) + " bytes"});
    }
    if (seen_ == bytes.size()) break;
    if (bytes[seen_] == '\n') return fail(Fault::malformed("A LF stands alone in the head; lines end in CR LF."));
    if (bytes[seen_] != '\r') return fail(Fault::malformed("A control character stands in the head."));
    if (const auto found = line_end(bytes, limits, ended); found != Found::nothing_yet) return found;
  }
  return Found::nothing_yet;
}

/// One pass over a head's lines.
struct RequestHead::Reading {
  RequestHead& head;
  std::size_t hosts = 0, origins = 0;
  std::optional<std::uint64_t> length = std::nullopt;
  bool chunked = false;
  bool close = false;
  bool upgrade = false;
  bool unknown_expectation = false;

  std::string_view text() const { return head.text_; }
  Part part_of(std::string_view view) const {
    return {static_cast<std::uint32_t>(view.data() - head.text_.data()), static_cast<std::uint32_t>(view.size())};
  }

  std::optional<Fault> request_line(std::string_view line) {
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || first == last) return Fault::malformed();
    const auto method = line.substr(0, first), target = line.substr(first + 1, last - first - 1), version = line.substr(last + 1);
    constexpr std::size_t method_bytes_max = 64;
    if (method.empty() || method.size() > method_bytes_max || !grammar::all(grammar::token_characters, method)) return Fault::malformed();
    if (target.empty() || target.find(' ') != target.npos) return Fault::malformed();
    if (!grammar::all(grammar::target_characters, target))
      return Fault::malformed("The target contains a character that must be percent-encoded.");
    if (auto fault = version_of(version)) return fault;
    head.method_ = part_of(method);
    head.target_ = part_of(target);
    return std::nullopt;
  }

  std::optional<Fault> version_of(std::string_view version) {
    const auto digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
    if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(5) || version[6] != '.' || !digit(7)) return Fault::malformed();
    if (version[5] != '1') return Fault{505, "This server speaks HTTP/1.1, not " + std::string(version)};
    head.version_minor_ = version[7] == '0' ? 0 : 1;
    return std::nullopt;
  }

  std::optional<Fault> field(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t')
      return Fault::malformed("A header field is folded over several lines; give it on one.");
    const auto colon = line.find(':');
    if (colon == line.npos) return Fault::malformed("A line of the head has no colon.");
    const auto name = line.substr(0, colon);
    if (name.empty() || !grammar::all(grammar::token_characters, name))
      return Fault::malformed(name.ends_with(' ') || name.ends_with('\t')
                                  ? "A blank stands before the colon of a header field."
                                  : "The name of a header field contains a character that it must not.");
    const auto value = grammar::trimmed(line.substr(colon + 1));
    head.fields_.push_back({part_of(name), value.empty() ? Part{} : part_of(value)});
    return known(name, value);
  }

  std::optional<Fault> known(std::string_view name, std::string_view value) {
    switch (name.size()) {
      case "host"sv.size():
        if (grammar::same(name, "host")) return host(value);
        break;
      case "expect"sv.size():
        if (grammar::same(name, "expect")) {
          if (grammar::same(value, "100-continue")) head.framing_.expects_continue = true;
          else unknown_expectation = true;
        }
        if (grammar::same(name, "origin") && ++origins > 1) return Fault::malformed("The Origin field is given more than once.");
        break;
      case "upgrade"sv.size():
        if (grammar::same(name, "upgrade")) upgrade = true;
        break;
      case "connection"sv.size():
        if (grammar::same(name, "connection"))
          grammar::members(value, [&](std::string_view option) {
            if (grammar::same(option, "close")) close = true;
            return true;
          });
        break;
      case "content-length"sv.size():
        if (grammar::same(name, "content-length")) return content_length(value);
        break;
      case "content-encoding"sv.size():
        if (grammar::same(name, "content-encoding") && !value.empty() && !grammar::same(value, "identity")) head.framing_.encoded = true;
        break;
      case "transfer-encoding"sv.size():
        if (grammar::same(name, "transfer-encoding")) return transfer_encoding(value);
        break;
      default: break;
    }
    return std::nullopt;
  }

  std::optional<Fault> host(std::string_view value) {
    if (++hosts > 1) return Fault::malformed("The Host field is given more than once.");
    if (!grammar::all(grammar::authority_characters, value)) return Fault::malformed("The Host field is no host.");
    return std::nullopt;
  }

  /// "2, 2" is 2 (RFC 9110, 8.6): every reader understands the same.
  std::optional<Fault> content_length(std::string_view value) {
    const bool good = grammar::members(value, [&](std::string_view digits) {
      if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return false;
      std::uint64_t given = 0;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), given).ec != std::errc())
        given = std::numeric_limits<std::uint64_t>::max();
      if (length && *length != given) return false;
      length = given;
      return true;
    });
    return good ? std::nullopt : std::optional(Fault::malformed());
  }

  std::optional<Fault> transfer_encoding(std::string_view value) {
    if (value.empty()) return Fault::malformed("The Transfer-Encoding field is empty.");
    std::optional<Fault> fault;
    grammar::members(value, [&](std::string_view coding) {
      if (!grammar::same(coding, "chunked"))
        fault = Fault{501, "The transfer coding '" + std::string(coding) + "' is not known here; use chunked"};
      else if (std::exchange(chunked, true)) fault = Fault::malformed("The transfer coding chunked is applied more than once.");
      return !fault;
    });
    return fault;
  }

  /// What only the whole head can tell.
  std::optional<Fault> whole() {
    auto& framing = head.framing_;
    const bool old = head.version_minor_ == 0;
    if (hosts == 0 && !old) return Fault::malformed();
    if (chunked && length) return Fault::malformed("Content-Length and Transfer-Encoding are both given.");
    if (chunked && old) return Fault::malformed("HTTP/1.0 has no Transfer-Encoding.");
    if (auto fault = target_form()) return fault;
    if (unknown_expectation && !old) return Fault{417, "The only expectation that is met here is 100-continue"};
    if (old) framing.expects_continue = false;
    framing.body = chunked ? Framing::Body::chunked : length ? Framing::Body::length : Framing::Body::none;
    framing.length = length.value_or(0);
    framing.closes = old || close || upgrade || head.method() == "CONNECT";
    return std::nullopt;
  }

  std::optional<Fault> target_form() {
    const auto target = head.target();
    if (target.front() == '/') return std::nullopt;
    if (head.method() == (target == "*" ? "OPTIONS" : "CONNECT")) return std::nullopt;
    const auto scheme = target.find("://");
    if (scheme == target.npos || !(grammar::same(target.substr(0, scheme), "http") || grammar::same(target.substr(0, scheme), "https")))
      return Fault::malformed("The target is neither a path nor an http URL.");
    return absolute(target.substr(scheme + 3));
  }

  /// The rest of an absolute target: its host counts, not the Host field's (RFC 9112, 3.2.2).
  std::optional<Fault> absolute(std::string_view rest) {
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    const auto host = rest.substr(0, end);
    if (host.empty() || !grammar::all(grammar::authority_characters, host)) return Fault::malformed("The target's host is no host.");
    const auto at = part_of(host);
    std::string path(rest.substr(end));
    if (!path.starts_with('/')) path.insert(0, "/");
    const auto begin = static_cast<std::uint32_t>(head.text_.size());
    head.text_ += path;
    head.target_ = {begin, static_cast<std::uint32_t>(path.size())};
    for (auto& field : head.fields_)
      if (grammar::same(head.part(field.name), "host")) field.value = at;
    return std::nullopt;
  }
};

std::optional<Fault> RequestHead::read(std::string text, RequestHead& out) {
  out = RequestHead();
  out.text_ = std::move(text);
  Reading reading{.head = out};
  std::string_view rest = out.text_;
  bool first = true;
  out.fields_.reserve(16);
  while (true) {
    const auto end = rest.find('\r');
    const auto line = rest.substr(0, end);
    if (line.empty()) break;
    if (auto fault = first ? reading.request_line(line) : reading.field(line)) return fault;
    first = false;
    rest.remove_prefix(end + 2);
  }
  return reading.whole();
}

const RequestHead::Field* RequestHead::find(std::string_view name) const {
  for (const auto& field : fields_)
    if (grammar::same(part(field.name), name)) return &field;
  return nullptr;
}

std::string_view RequestHead::header(std::string_view name) const {
  const auto* field = find(name);
  return field ? part(field->value) : std::string_view();
}

std::string RequestHead::joined_header(std::string_view name) const {
  std::string out;
  for (const auto& field : fields_) {
    if (!grammar::same(part(field.name), name)) continue;
    if (!out.empty()) out += ", ";
    out += part(field.value);
  }
  return out;
}

}  // namespace weir::http
