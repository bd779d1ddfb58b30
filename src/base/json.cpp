#include "base/json.h"

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kMaxDepth = 128;

// Depth is checked before parsing: the library's parser builds nested values without a limit of its own.
void check_depth(std::string_view text, std::string_view what) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) throw FormatError("{}: JSON nests deeper than {} levels at byte {}", what, kMaxDepth, i);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what) {
  check_depth(text, what);
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    throw FormatError("{}: not valid JSON at byte {}: {}", what, e.byte, e.what());
  }
}

std::string to_line(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace bantam
