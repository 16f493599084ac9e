// The server's API described in OpenAPI 3.0: the document at /openapi.json.
#pragma once

#include <string_view>

namespace weir::http {

std::string_view openapi_document();

}  // namespace weir::http
