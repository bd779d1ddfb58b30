#include "text/grammar/schema_merge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "base/error.h"

namespace bantam {
namespace {

constexpr size_t kMostPairs = 256;

template <size_t N>
bool is_one_of(const std::string& word, const std::array<std::string_view, N>& list) {
  return std::ranges::find(list, word) != list.end();
}

constexpr std::array<std::string_view, 5> kLeast = {"minimum", "exclusiveMinimum", "minLength", "minItems",
                                                    "minProperties"};
constexpr std::array<std::string_view, 5> kMost = {"maximum", "exclusiveMaximum", "maxLength", "maxItems",
                                                   "maxProperties"};

Json all_of(const Json& a, const Json& b) {
  if (a == b || b == Json(true)) return a;
  return a == Json(true) ? b : Json{{"allOf", Json::array({a, b})}};
}

Json common(const Json& a, const Json& b) {
  Json out = Json::array();
  for (const Json& value : a) {
    if (std::find(b.begin(), b.end(), value) != b.end()) out.push_back(value);
  }
  return out;
}

// Properties that only one schema lists are for the other ones "additional".
Json merge_properties(const Json& a, const Json& b) {
  const auto of = [](const Json& schema, const char* name, Json otherwise) {
    return schema.contains(name) ? schema[name] : std::move(otherwise);
  };
  const Json mine = of(a, "properties", Json::object()), theirs = of(b, "properties", Json::object());
  const Json my_rest = of(a, "additionalProperties", true), their_rest = of(b, "additionalProperties", true);
  Json out = Json::object();
  for (const auto& [name, schema] : mine.items())
    out[name] = all_of(schema, theirs.contains(name) ? theirs[name] : their_rest);
  for (const auto& [name, schema] : theirs.items()) {
    if (!mine.contains(name)) out[name] = all_of(schema, my_rest);
  }
  return out;
}

Json merge_options(const Json& a, const Json& b, const std::string& path) {
  if (a.size() * b.size() > kMostPairs) throw UnsupportedError("{}: more than {} pairs of options", path, kMostPairs);
  Json out = Json::array();
  for (const Json& x : a) {
    for (const Json& y : b) out.push_back(all_of(x, y));
  }
  return out;
}

std::optional<Json> listed_values(const Json& schema) {
  if (schema.contains("const")) return Json::array({schema["const"]});
  if (schema.contains("enum") && schema["enum"].is_array()) return schema["enum"];
  return std::nullopt;
}

bool requires_property(const Json& schema, const std::string& name) {
  return schema.contains("required") && schema["required"].is_array() &&
         std::find(schema["required"].begin(), schema["required"].end(), name) != schema["required"].end();
}

bool objects_are_disjoint(const Json& a, const Json& b, int depth) {
  const auto has = [](const Json& schema, const std::string& name) {
    return schema.contains("properties") && schema["properties"].contains(name);
  };
  for (const auto& [x, y] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    if (!x->contains("required") || !(*x)["required"].is_array()) continue;
    const bool closed = y->contains("additionalProperties") && (*y)["additionalProperties"] == false &&
                        !y->contains("patternProperties");
    for (const Json& name : (*x)["required"]) {
      if (!name.is_string()) continue;
      if (closed && !has(*y, name)) return true;
      if (!has(*x, name) || !has(*y, name) || !requires_property(*y, name)) continue;
      const std::string key = name.get<std::string>();
      if (are_disjoint((*x)["properties"][key], (*y)["properties"][key], depth + 1)) return true;
    }
  }
  return false;
}

}  // namespace

bool is_annotation(const std::string& keyword) {
  static constexpr std::array<std::string_view, 17> kAnnotations = {
      "title",     "description", "default", "examples", "example",  "deprecated",       "readOnly",
      "writeOnly", "$schema",     "$id",     "id",       "$comment", "contentMediaType", "contentEncoding",
      "$defs",     "definitions", "strict"};
  return is_one_of(keyword, kAnnotations) || keyword.starts_with("x-");
}

std::vector<std::string> schema_types(const Json& schema) {
  std::vector<std::string> out;
  if (!schema.is_object() || !schema.contains("type")) {
    out = {"object", "array", "string", "number", "boolean", "null"};
  } else if (schema["type"].is_string()) {
    out.push_back(schema["type"].get<std::string>());
  } else {
    for (const Json& type : schema["type"]) {
      if (type.is_string()) out.push_back(type.get<std::string>());
    }
  }
  if (std::ranges::find(out, "number") != out.end()) std::erase(out, "integer");
  return out;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return type == "integer" && (value.is_number_integer() ||
                               (value.is_number_float() && value.get<double>() == std::floor(value.get<double>())));
}

Json without_nullable(Json schema) {
  if (!schema.is_object() || !schema.contains("nullable")) return schema;
  const bool nullable = schema["nullable"] == Json(true);
  schema.erase("nullable");
  if (!nullable || !schema.contains("type")) return schema;
  Json types = Json::array();
  for (std::string& type : schema_types(schema)) types.push_back(std::move(type));
  types.push_back("null");
  schema["type"] = std::move(types);
  return schema;
}

Json merge_schemas(const Json& first, const Json& second, const std::string& path) {
  if (first == Json(false) || second == Json(false)) return false;
  if (first == Json(true)) return second;
  if (second == Json(true)) return first;
  if (!first.is_object() || !second.is_object()) throw FormatError("{}: is neither an object nor true or false", path);
  const Json a = without_nullable(first), b = without_nullable(second);
  Json out = a;
  for (const auto& [keyword, value] : b.items()) {
    const auto at = out.find(keyword);
    if (at == out.end()) {
      out[keyword] = value;
    } else if (*at == value || is_annotation(keyword)) {
      continue;
    } else if (keyword == "type") {
      Json types = Json::array();
      for (const std::string& x : schema_types(a)) {
        for (const std::string& y : schema_types(b)) {
          if (x == y) types.push_back(x);
          if ((x == "integer" && y == "number") || (x == "number" && y == "integer")) types.push_back("integer");
        }
      }
      *at = types;
    } else if (keyword == "required") {
      for (const Json& name : value) {
        if (std::find(at->begin(), at->end(), name) == at->end()) at->push_back(name);
      }
    } else if (is_one_of(keyword, kLeast) && at->is_number() && value.is_number()) {
      *at = std::max(*at, value);
    } else if (is_one_of(keyword, kMost) && at->is_number() && value.is_number()) {
      *at = std::min(*at, value);
    } else if (keyword == "enum") {
      *at = common(*at, value);
    } else if (keyword == "const") {
      return false;
    } else if (keyword == "anyOf") {
      *at = merge_options(*at, value, path + "/anyOf");
    } else if (keyword == "items" && value.is_object() && at->is_object() && !a.contains("prefixItems") &&
               !b.contains("prefixItems")) {
      *at = all_of(*at, value);
    } else if (keyword == "additionalProperties") {
      *at = *at == Json(false) || value == Json(false) ? Json(false) : all_of(*at, value);
    } else if (keyword != "properties") {
      throw UnsupportedError("{}/{}: two different values for one place cannot be put together", path, keyword);
    }
  }
  if (a.contains("properties") || b.contains("properties")) out["properties"] = merge_properties(a, b);
  return out;
}

bool are_disjoint(const Json& one, const Json& other, int depth) {
  if (one == Json(false) || other == Json(false)) return true;
  if (!one.is_object() || !other.is_object() || depth > 8) return false;
  const Json a = without_nullable(one), b = without_nullable(other);
  const auto x = listed_values(a), y = listed_values(b);
  if (x && y) return common(*x, *y).empty();
  for (const auto& [values, schema] : {std::pair{&x, &b}, std::pair{&y, &a}}) {
    if (!*values) continue;
    const std::vector<std::string> types = schema_types(*schema);
    const auto fits = [&](const Json& value) {
      return std::ranges::any_of(types, [&](const std::string& type) { return has_type(value, type); });
    };
    return std::none_of((*values)->begin(), (*values)->end(), fits);
  }
  const std::vector<std::string> first = schema_types(a), second = schema_types(b);
  const bool share = std::ranges::any_of(first, [&](const std::string& type) {
    return std::ranges::any_of(second, [&](const std::string& its) {
      return type == its || (type == "integer" && its == "number") || (type == "number" && its == "integer");
    });
  });
  if (!share) return true;
  const bool objects = first == std::vector<std::string>{"object"} && second == first;
  return objects && objects_are_disjoint(a, b, depth);
}

}  // namespace bantam
