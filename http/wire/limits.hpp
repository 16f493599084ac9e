// What a client may ask of the server before it is refused with an answer.
#pragma once

#include <chrono>
#include <cstddef>

namespace weir::http {

struct Limits {
  std::size_t target_bytes_max = 128 * 1024;          ///< beyond: 414
  std::size_t head_bytes_max = 256 * 1024;            ///< request line and headers; beyond: 431
  std::size_t fields_max = 1000;                      ///< header fields; beyond: 431
  std::size_t body_bytes_max = 16 * 1024 * 1024;      ///< beyond: 413
  std::size_t chunk_extras_bytes_max = 16 * 1024;     ///< extensions and trailer of one chunked body; beyond: 400
  std::size_t skipped_bytes_max = 64 * 1024;          ///< of a refused request's body; a longer one costs the connection
  std::size_t pipelined_bytes_max = 16 * 1024;        ///< read ahead of an answer; beyond, the client waits
  std::size_t heads_bytes_max = 64 * 1024 * 1024;     ///< of all unfinished heads together, beyond the free bytes; then 503
  std::size_t bodies_bytes_max = 256 * 1024 * 1024;   ///< of all bodies together, beyond the free bytes; then 503
  std::size_t free_bytes = 16 * 1024;                 ///< of each head and body that count for neither
  std::size_t connections_max = 10000;                ///< beyond, the one that is idle the longest is closed, or the new one waits
  std::chrono::milliseconds read_timeout{60000};      ///< for a whole request, and for the next one on an idle connection; 408
  std::chrono::milliseconds write_timeout{60000};     ///< for a client that does not read to take some more of an answer
  std::chrono::milliseconds half_closed_probe{2000};  ///< after the client's last byte, to find out whether it still listens
  std::chrono::milliseconds linger_timeout{2000};     ///< to read on after the last answer, so that it is not lost
};

}  // namespace weir::http
