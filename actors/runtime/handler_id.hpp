// Which ids clients may choose for their handlers, and which names programs may give their workflows: both stand in URLs.
#pragma once

#include <weir/error.hpp>

#include <optional>
#include <string_view>

namespace weir::runtime {

/// Why not: an id must fit into a path, a log and a page. 1 to 200 characters of UTF-8, none of them a control character, and neither
/// "." nor "..", which are taken out of URLs on the way.
std::optional<Error> check_handler_id(std::string_view id);

/// The same for a workflow's name.
std::optional<Error> check_workflow_name(std::string_view name);

}  // namespace weir::runtime
