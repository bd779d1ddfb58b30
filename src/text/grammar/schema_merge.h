// Several JSON schemas that a value must all follow, as one. Used by the compiler of schemas.
#pragma once

#include <string>

#include "base/json.h"

namespace bantam {

// Throws UnsupportedError with `path` where two keywords cannot be put together. No "$ref" or "allOf" at their top.
Json merge_schemas(const Json& a, const Json& b, const std::string& path);

// Whether no value follows both, as far as types, listed values and required properties tell.
bool are_disjoint(const Json& a, const Json& b, int depth = 0);

// The names of "type"; all of them where it is missing. "integer" is not listed beside "number".
std::vector<std::string> schema_types(const Json& schema);
bool has_type(const Json& value, const std::string& type);

// OpenAPI's "nullable" as one more type.
Json without_nullable(Json schema);

// Keywords that say nothing about values.
bool is_annotation(const std::string& keyword);

}  // namespace bantam
