// Answers too large for one write: made and sent piece by piece, at the reader's pace.
#pragma once

#include "app.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace weir::http {

/// An answer's body that is made as it is sent.
class Pieces {
public:
  virtual ~Pieces() = default;
  /// Appends about budget::piece_bytes, or more if one row has more. False when that was the end. May throw: before anything has been
  /// sent that is the answer, later the connection is cut.
  virtual bool append(std::string& out) = 0;
};

/// Sends it all, as one when that is not much. On a thread that may wait (Work::search); goes on there when the client has taken what
/// was made. A client that has left ends it. `packs`: with gzip for those that take it.
void answer_in_pieces(const Call& call, std::unique_ptr<Pieces> pieces, bool packs, Response head = {});

/// Answers with text that is there for as long as the program. Any thread.
void send_static(const ExchangePtr& exchange, Response head, std::string_view body);

}  // namespace weir::http
