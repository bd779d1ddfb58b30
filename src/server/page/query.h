// Numbers in the query of a request's target.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "server/http.h"

namespace bantam {

// Nothing when it is absent. Throws ApiError when it is no number from `least` to `most`.
std::optional<uint64_t> query_number(const IncomingRequest& request, std::string_view name, uint64_t least,
                                     uint64_t most);

}  // namespace bantam
