// The text of the built-in page.
#pragma once

#include <string_view>

namespace weir::http {

std::string_view page_html();

}  // namespace weir::http
