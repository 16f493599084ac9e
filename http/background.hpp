// Answers that take a look at many rows.
#pragma once

#include "app.hpp"

#include <functional>

namespace weir::http {

/// Answers on a thread that may block, so that no I/O thread waits, and packed when the client takes that. What `answer`
/// throws is answered with 400 (std::invalid_argument) or 500.
void answer_in_background(const Call& call, std::function<Response()> answer);

/// Does the client take bodies packed with gzip?
bool takes_gzip(const Exchange& exchange);

}  // namespace weir::http
