// Forms with files in them, as browsers and clients upload them (RFC 7578).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "server/http.h"

namespace bantam {

struct FormPart {
  std::string name, file_name;
  std::string_view content;  // of the request's body
};

// Throws ApiError: 400 for what is no such form, and for one of more than 32 parts.
std::vector<FormPart> parse_form(const IncomingRequest& request);

}  // namespace bantam
