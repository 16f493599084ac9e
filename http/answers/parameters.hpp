// What a query may say, read strictly and without overflow.
#pragma once

#include "http/wire/target.hpp"

#include <weir/codec.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// As python_integer; numbers beyond 64 bits become the largest or smallest.
std::optional<std::int64_t> whole_number(std::string_view text);

/// A number in a query. Throws std::invalid_argument naming it.
std::optional<std::int64_t> number(const Query& query, const char* name);

/// 1 to budget::page_rows_max, 100 without a word. Throws std::invalid_argument.
std::size_t page_limit(const Query& query);

/// A time, or how long before `now` that was. Throws std::invalid_argument.
std::optional<Time> moment(const Query& query, const char* name, Time now);

/// What a client has sent, for a text about it.
std::string shortened(std::string_view text);

}  // namespace weir::http
