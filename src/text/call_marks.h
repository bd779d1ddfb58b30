// What models put around a call of a tool: the marks of Hermes and Qwen models, and of our own prompt for models whose
// template knows no tools.
#pragma once

#include <string_view>

namespace bantam {

inline constexpr std::string_view kCallBegin = "<tool_call>", kCallEnd = "</tool_call>";

}  // namespace bantam
