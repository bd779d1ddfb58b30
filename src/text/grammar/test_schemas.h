// For the tests of schemas: random ones, random values for them, and a validator that shares nothing with the compiler.
// Include it from .cpp files only.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <regex>
#include <string>

#include "base/json.h"
#include "base/rng.h"
#include "base/utf8.h"

namespace bantam {

inline size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

inline bool is_of_type(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
  if (type == "number") return value.is_number();
  return type == value.type_name();
}

// What is wrong with `value`, or nothing.
inline std::string violation(const Json& schema, const Json& value, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>() ? "" : "false";
  const auto number = [&](const char* keyword) {
    return schema.contains(keyword) ? std::optional(schema[keyword].get<double>()) : std::nullopt;
  };
  if (schema.contains("$ref"))
    return violation(root.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))), value, root);
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    if (std::none_of(types.begin(), types.end(), [&](const Json& t) { return is_of_type(value, t); })) return "type";
  }
  if (schema.contains("const") && schema["const"] != value) return "const";
  if (schema.contains("enum") && std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    return "enum";
  for (const char* keyword : {"anyOf", "oneOf", "allOf"}) {
    if (!schema.contains(keyword)) continue;
    const auto fit = std::count_if(schema[keyword].begin(), schema[keyword].end(),
                                   [&](const Json& s) { return violation(s, value, root).empty(); });
    const bool good = keyword[0] == 'o' ? fit == 1 : keyword[1] == 'n' ? fit > 0 : fit == std::ssize(schema[keyword]);
    if (!good) return keyword;
  }
  if (value.is_number()) {
    const double v = value.get<double>();
    if (number("minimum") && v < *number("minimum")) return "minimum";
    if (number("maximum") && v > *number("maximum")) return "maximum";
    if (number("exclusiveMinimum") && v <= *number("exclusiveMinimum")) return "exclusiveMinimum";
    if (number("exclusiveMaximum") && v >= *number("exclusiveMaximum")) return "exclusiveMaximum";
    if (number("multipleOf") && std::fmod(v, *number("multipleOf")) != 0) return "multipleOf";
  }
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    const auto length = static_cast<double>(count_characters(text));
    if (number("minLength") && length < *number("minLength")) return "minLength";
    if (number("maxLength") && length > *number("maxLength")) return "maxLength";
    if (schema.contains("pattern") && !std::regex_search(text, std::regex(schema["pattern"].get<std::string>())))
      return "pattern";
  }
  if (value.is_array()) {
    const auto size = static_cast<double>(value.size());
    if (number("minItems") && size < *number("minItems")) return "minItems";
    if (number("maxItems") && size > *number("maxItems")) return "maxItems";
    const size_t fixed = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
    for (size_t i = 0; i < value.size(); ++i) {
      const Json item = i < fixed ? schema["prefixItems"][i] : schema.contains("items") ? schema["items"] : Json(true);
      if (const auto why = violation(item, value[i], root); !why.empty()) return "items: " + why;
    }
  }
  if (value.is_object()) {
    for (const Json& name : schema.contains("required") ? schema["required"] : Json::array()) {
      if (!value.contains(name.get<std::string>())) return "required";
    }
    for (const auto& [name, item] : value.items()) {
      const bool listed = schema.contains("properties") && schema["properties"].contains(name);
      const Json rest = schema.contains("additionalProperties") ? schema["additionalProperties"] : Json(true);
      const Json of = listed ? schema["properties"][name] : rest;
      if (const auto why = violation(of, item, root); !why.empty()) return name + ": " + why;
    }
  }
  return "";
}

inline std::string random_string(Rng& rng, uint64_t least, uint64_t most) {
  static constexpr const char* kCharacters[] = {"a", "b", "0", " ", "\"", "\\", "\n", "é", "한", "\xF0\x9F\x98\x80"};
  std::string out;
  for (uint64_t i = least + rng.below(most - least + 1); i-- > 0;)
    out += kCharacters[rng.below(std::size(kCharacters))];
  return out;
}

inline Json random_schema(Rng& rng, int depth) {
  Json s = Json::object();
  switch (rng.below(depth > 0 ? 10 : 6)) {
    case 0:
      s["type"] = "string";
      if (rng.below(2) == 0) s["minLength"] = rng.below(4);
      if (rng.below(2) == 0) s["maxLength"] = 2 + rng.below(6);
      return s;
    case 1:
      s["type"] = rng.below(2) == 0 ? "integer" : "number";
      if (rng.below(2) == 0) s["minimum"] = static_cast<int>(rng.below(200)) - 100;
      if (rng.below(2) == 0) s["exclusiveMaximum"] = static_cast<int>(rng.below(200)) + 1;
      return s;
    case 2:
      s["enum"] = Json::array({random_string(rng, 0, 3), 17, nullptr, true, Json::array({1, "x"})});
      if (rng.below(2) == 0) s["type"] = Json::array({"string", "integer"});
      return s;
    case 3:
      return rng.below(2) == 0 ? Json{{"type", "boolean"}} : Json{{"const", random_string(rng, 1, 3)}};
    case 4:
      return rng.below(2) == 0 ? Json{{"type", Json::array({"null", "integer"})}} : Json{{"type", "null"}};
    case 5: {
      static constexpr const char* kPatterns[] = {"^[a-c]{2,4}$", "^(x|yz)+$", "b", "^a", "\"$"};
      return {{"type", "string"}, {"pattern", kPatterns[rng.below(std::size(kPatterns))]}};
    }
    case 6:
      s["type"] = "array";
      s["items"] = random_schema(rng, depth - 1);
      if (rng.below(2) == 0) s["minItems"] = rng.below(3);
      if (rng.below(2) == 0) s["maxItems"] = 2 + rng.below(3);
      if (rng.below(3) == 0)
        s["prefixItems"] = Json::array({random_schema(rng, depth - 1), random_schema(rng, depth - 1)});
      if (rng.below(4) == 0) s["items"] = false;
      return s;
    case 7:
      return {{rng.below(3) == 0 ? "oneOf" : "anyOf",
               Json::array({random_schema(rng, depth - 1), random_schema(rng, depth - 1)})}};
    default:
      s["type"] = "object";
      s["properties"] = Json::object();
      s["required"] = Json::array();
      for (uint64_t i = rng.below(5); i-- > 0;) {
        const std::string name = random_string(rng, 1, 3);
        if (s["properties"].contains(name)) continue;
        s["properties"][name] = random_schema(rng, depth - 1);
        if (rng.below(2) == 0) s["required"].push_back(name);
      }
      if (rng.below(6) == 0) s["required"].push_back("unlisted");
      if (rng.below(3) > 0) s["additionalProperties"] = rng.below(2) == 0 ? Json(false) : random_schema(rng, depth - 1);
      return s;
  }
}

inline Json random_value(Rng& rng, int depth) {
  switch (rng.below(depth > 0 ? 6 : 4)) {
    case 0:
      return random_string(rng, 0, 4);
    case 1:
      return static_cast<int>(rng.below(2000)) - 1000;
    case 2:
      return rng.below(2) == 0;
    case 3:
      return nullptr;
    case 4:
      return Json::array({random_value(rng, depth - 1)});
    default:
      return {{random_string(rng, 0, 3), random_value(rng, depth - 1)}};
  }
}

// A value meant to be valid, in the order the schema lists; nothing where none was found. To be checked.
inline std::optional<Json> random_instance(const Json& s, Rng& rng) {
  if (s == Json(true)) return random_value(rng, 1);
  if (s == Json(false)) return std::nullopt;
  for (const char* keyword : {"anyOf", "oneOf"}) {
    if (s.contains(keyword)) return random_instance(s[keyword][rng.below(s[keyword].size())], rng);
  }
  if (s.contains("const")) return s["const"];
  if (s.contains("enum")) return s["enum"][rng.below(s["enum"].size())];
  const std::string type = s["type"].is_array() ? s["type"][rng.below(s["type"].size())] : s["type"];
  if (type == "null") return nullptr;
  if (type == "boolean") return rng.below(2) == 0;
  if (type == "integer") return static_cast<int>(rng.below(300)) - 100;
  if (type == "number") return std::round((rng.uniform() * 300 - 100) * 1000) / 1000;
  if (type == "string") {
    if (s.contains("pattern")) return "ab" + random_string(rng, 0, 2) + "\"";
    return random_string(rng, s.value("minLength", 0), s.value("maxLength", 5));
  }
  if (type == "array") {
    Json out = Json::array();
    for (uint64_t i = rng.below(5); i-- > 0;) {
      const size_t fixed = s.contains("prefixItems") ? s["prefixItems"].size() : 0;
      const auto item = random_instance(out.size() < fixed ? s["prefixItems"][out.size()] : s["items"], rng);
      if (!item) break;
      out.push_back(*item);
    }
    return out;
  }
  Json out = Json::object();
  std::vector<std::string> names;
  for (const auto& [name, value] : s["properties"].items()) names.push_back(name);
  const Json rest = s.contains("additionalProperties") ? s["additionalProperties"] : Json(true);
  for (const std::string& name : names) {
    const bool required = std::find(s["required"].begin(), s["required"].end(), name) != s["required"].end();
    if (!required && rng.below(2) == 0) continue;
    const auto value = random_instance(s["properties"][name], rng);
    if (value) out[name] = *value;
  }
  if (std::find(s["required"].begin(), s["required"].end(), "unlisted") != s["required"].end()) {
    const auto value = random_instance(rest, rng);
    if (value) out["unlisted"] = *value;
  }
  if (s.contains("additionalProperties")) {
    const auto value = random_instance(rest, rng);
    if (value) out["more"] = *value;
  }
  return out;
}

}  // namespace bantam
