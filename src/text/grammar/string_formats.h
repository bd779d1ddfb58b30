// What JSON Schema's "format" means for a string, as regular expressions.
#pragma once

#include <optional>
#include <string_view>

namespace bantam {

// Nothing for a format that is not known.
std::optional<std::string_view> format_expression(std::string_view format);

}  // namespace bantam
