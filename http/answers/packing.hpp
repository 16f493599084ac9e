// Bodies packed with gzip, whole or in pieces.
#pragma once

#include "http/wire/exchange.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace weir::http {

/// Does the client take bodies packed with gzip?
bool takes_gzip(const Exchange& exchange);

/// The body packed, when the client takes that and it pays.
Response packed(Response response, const Exchange& exchange);

/// A stream of pieces.
class Packer {
public:
  Packer();
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;
  /// What can be sent so far, which may be nothing; `last`: all of it. Throws std::runtime_error.
  std::string pack(std::string_view piece, bool last);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::http
