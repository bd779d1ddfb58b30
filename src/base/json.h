// The one place that knows which JSON library we use. Include it from .cpp files only.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace bantam {

// Keeps the order of keys: schemas and templates depend on it.
using Json = nlohmann::ordered_json;

// Parses one JSON value. `what` names the source in errors. Throws FormatError with the byte offset when the text
// is not JSON or nests deeper than 128 levels.
Json parse_json(std::string_view text, std::string_view what);

// One line, invalid UTF-8 replaced: never throws on text we print.
std::string to_line(const Json& value);

}  // namespace bantam
