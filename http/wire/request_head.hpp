// The head of one request: its first line and its fields, read strictly (RFC 9112). Pure: no socket, no RESTinio.
#pragma once

#include "fault.hpp"

#include "limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// How the body of a request is delimited, and what else its head asks of the connection.
struct Framing {
  enum class Body : std::uint8_t { none, length, chunked };
  Body body = Body::none;
  std::uint64_t length = 0;       ///< Content-Length
  bool expects_continue = false;  ///< the client waits for "100 Continue"
  bool closes = false;            ///< nothing that follows on the connection is a request
  bool encoded = false;           ///< Content-Encoding other than identity

  bool has_body() const { return body == Body::chunked || length > 0; }
};

/// Owns its text. Views into it are valid as long as it is neither moved nor destroyed.
class RequestHead {
public:
  /// `text`: a head with the empty line that ends it, whose line ends and characters HeadEnd has checked.
  static std::optional<Fault> read(std::string text, RequestHead& out);

  std::string_view method() const { return part(method_); }
  /// In origin form: what an absolute form says about scheme and host is taken off.
  std::string_view target() const { return part(target_); }
  /// Empty when absent, the first line's when repeated. Names are compared without case. "Host" is the name that the client
  /// asked under: that of an absolute target, else the field.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const { return find(name) != nullptr; }
  int version_minor() const { return version_minor_; }  ///< of HTTP/1.x
  const Framing& framing() const { return framing_; }

private:
  struct Part {
    std::uint32_t begin = 0, size = 0;
  };
  struct Field {
    Part name, value;
  };
  struct Reading;

  std::string_view part(Part part) const { return std::string_view(text_).substr(part.begin, part.size); }
  const Field* find(std::string_view name) const;

  std::string text_;
  Part method_, target_;
  std::vector<Field> fields_;
  Framing framing_;
  int version_minor_ = 1;
};

/// Finds the end of a head in bytes that come piece by piece. Each byte is looked at once.
class HeadEnd {
public:
  enum class Found { nothing_yet, end, fault };

  /// `bytes`: all that has come of this head so far.
  Found look(std::string_view bytes, const Limits& limits);
  std::size_t begin() const { return begin_; }  ///< behind an empty line that may stand before a request
  std::size_t end() const { return seen_; }     ///< behind the empty line, once it is found
  const Fault& fault() const { return fault_; }

private:
  Found fail(Fault fault);
  Found line_end(std::string_view bytes, const Limits& limits, bool& ended);

  std::size_t begin_ = 0, seen_ = 0, line_ = 0, lines_ = 0;
  Fault fault_;
};

}  // namespace weir::http
