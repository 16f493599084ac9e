// What a client may ask of the server before it is refused with an answer.
#pragma once

#include <chrono>
#include <cstddef>

namespace weir::http {

struct Limits {
  std::size_t target_bytes_max = 128 * 1024;      ///< beyond: 414
  std::size_t head_bytes_max = 256 * 1024;        ///< request line and headers; beyond: 431
  std::size_t body_bytes_max = 16 * 1024 * 1024;  ///< beyond: 413
  std::size_t connections_max = 10000;            ///< beyond: wait in the kernel's queue
  std::chrono::seconds read_timeout{60};          ///< for a whole request, and for the next one on an idle connection; 408
  std::chrono::seconds write_timeout{60};         ///< for one write to a client that does not read
};

}  // namespace weir::http
