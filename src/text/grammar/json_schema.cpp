#include "text/grammar/json_schema.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/grammar/json_parts.h"
#include "text/grammar/number_range.h"
#include "text/grammar/regex.h"
#include "text/grammar/schema_merge.h"
#include "text/grammar/string_formats.h"

namespace bantam {
namespace {

using NodeId = Grammar::NodeId;

constexpr int kMostSchemas = 20'000;  // compiled; options of options multiply
constexpr int kMostReferences = 64;   // one behind the other
constexpr uint32_t kMostMultiple = 1000;

// Keywords that restrict values and that no automaton of ours can hold to.
constexpr const char* kRefused[] = {
    "not",          "if",           "then",        "else",        "dependentRequired",     "dependentSchemas",
    "dependencies", "contains",     "minContains", "maxContains", "unevaluatedProperties", "unevaluatedItems",
    "$dynamicRef",  "$recursiveRef"};

std::string escaped(std::string name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '~') name.replace(i, 1, "~0");
    if (name[i] == '/') name.replace(i, 1, "~1");
  }
  return name;
}

// A number without an exponent; nothing for one too large or too small to be written so.
std::optional<std::string> decimal(const Json& number) {
  std::string text = to_line(number);
  const size_t e = text.find_first_of("eE");
  if (e == std::string::npos) return text;
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent < -15 || exponent > 15) return std::nullopt;
  text.erase(e);
  const bool negative = text[0] == '-';
  if (negative) text.erase(0, 1);
  size_t point = text.find('.');
  if (point == std::string::npos) point = text.size();
  std::string digits = text;
  std::erase(digits, '.');
  int at = static_cast<int>(point) + exponent;
  while (at <= 0) digits.insert(0, "0"), ++at;
  while (at > static_cast<int>(digits.size())) digits += '0';
  if (at < static_cast<int>(digits.size())) digits.insert(static_cast<size_t>(at), ".");
  return (negative ? "-" : "") + digits;
}

class SchemaCompiler {
 public:
  SchemaCompiler(Grammar& grammar, const Json& root) : g_(grammar), json_(grammar), root_(root) {}

  NodeId compile(const Json& schema, const std::string& path) {
    if (++compiled_ > kMostSchemas) throw FormatError("{}: the schema has more than {} parts", path, kMostSchemas);
    if (schema == Json(true)) return json_.any_value();
    if (schema == Json(false)) return g_.choice({});
    if (!schema.is_object()) throw FormatError("{}: is neither an object nor true or false", path);
    if (const auto reference = only_reference(schema)) return compile_reference(*reference, path);
    Json flat = without_nullable(flattened(schema, path, 0));
    if (!flat.is_object()) return compile(flat, path);
    for (const char* keyword : kRefused) {
      const bool alone =
          (keyword == std::string_view("then") || keyword == std::string_view("else")) && !flat.contains("if");
      if (flat.contains(keyword) && !alone) refuse(path, keyword, "cannot be held to");
    }
    if (flat.contains("enum") || flat.contains("const")) return compile_values(flat, path);
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (flat.contains(keyword)) return compile_options(flat, keyword, path);
    }
    return compile_types(flat, path);
  }

 private:
  [[noreturn]] static void refuse(const std::string& path, std::string_view keyword, std::string_view why) {
    throw UnsupportedError("the schema's {}/{}: {}", path, keyword, why);
  }
  [[noreturn]] static void wrong(const std::string& path, std::string_view keyword, std::string_view wanted) {
    throw FormatError("the schema's {}/{}: expected {}", path, keyword, wanted);
  }

  static std::optional<std::string> only_reference(const Json& schema) {
    const auto at = schema.find("$ref");
    if (at == schema.end() || !at->is_string()) return std::nullopt;
    for (const auto& [keyword, value] : schema.items()) {
      if (keyword != "$ref" && !is_annotation(keyword)) return std::nullopt;
    }
    return at->get<std::string>();
  }

  // Each schema that is referred to is a rule: so it may hold itself.
  NodeId compile_reference(const std::string& reference, const std::string& path) {
    const Json& schema = resolve(reference, path);
    const auto known = rules_.find(reference);
    if (known != rules_.end()) return g_.call(known->second);
    const Grammar::RuleId rule = g_.declare(reference);
    rules_.emplace(reference, rule);
    g_.define(rule, compile(schema, reference));
    return g_.call(rule);
  }

  const Json& resolve(const std::string& reference, const std::string& path) const {
    if (reference != "#" && !reference.starts_with("#/"))
      refuse(path, "$ref",
             fmt::format("'{}' is outside of the schema: only '#/...' is followed", reference.substr(0, 80)));
    try {
      return root_.at(Json::json_pointer(reference.substr(1)));
    } catch (const Json::exception&) {
      throw FormatError("the schema's {}/$ref: there is nothing at '{}'", path, reference.substr(0, 80));
    }
  }

  // Without "$ref" and "allOf": with what they add.
  Json flattened(const Json& schema, const std::string& path, int depth) const {
    if (!schema.is_object() || (!schema.contains("$ref") && !schema.contains("allOf"))) return schema;
    if (depth > kMostReferences) refuse(path, "$ref", "refers to itself, or one reference follows another too often");
    Json out = schema;
    out.erase("$ref");
    out.erase("allOf");
    if (schema.contains("$ref")) {
      if (!schema["$ref"].is_string()) wrong(path, "$ref", "a string");
      const std::string reference = schema["$ref"].get<std::string>();
      out = merge_schemas(flattened(resolve(reference, path), reference, depth + 1), out, path);
    }
    if (schema.contains("allOf")) {
      if (!schema["allOf"].is_array()) wrong(path, "allOf", "a list");
      for (const Json& part : schema["allOf"])
        out = merge_schemas(out, flattened(part, path + "/allOf", depth + 1), path + "/allOf");
    }
    return out;
  }

  // Listed values, as far as they have the type. What else is asked of them is not looked at: it is refused.
  NodeId compile_values(const Json& schema, const std::string& path) {
    Json values = schema.contains("const") ? Json::array({schema["const"]}) : schema["enum"];
    if (!values.is_array()) wrong(path, "enum", "a list");
    if (schema.contains("const") && schema.contains("enum")) {
      const Json& listed = schema["enum"];
      if (std::find(listed.begin(), listed.end(), schema["const"]) == listed.end()) values = Json::array();
    }
    for (const auto& [keyword, value] : schema.items()) {
      const bool known = keyword == "enum" || keyword == "const" || keyword == "type" || is_annotation(keyword);
      if (!known) refuse(path, keyword, "cannot be held to beside 'enum' or 'const'");
    }
    std::vector<std::string> types = schema_types(schema);
    std::vector<std::string> texts;
    for (const Json& value : values) {
      if (std::ranges::any_of(types, [&](const std::string& type) { return has_type(value, type); }))
        texts.push_back(to_line(value));
    }
    return g_.words(std::move(texts));
  }

  NodeId compile_options(const Json& schema, const std::string& keyword, const std::string& path) {
    const Json& options = schema[keyword];
    if (!options.is_array() || options.empty()) wrong(path, keyword, "a list of schemas");
    Json rest = schema;
    rest.erase(keyword);
    bool restricts = false;
    for (const auto& [word, value] : rest.items()) restricts = restricts || !is_annotation(word);
    std::vector<Json> flat;
    std::vector<NodeId> out;
    for (size_t i = 0; i < options.size(); ++i) {
      const std::string where = fmt::format("{}/{}/{}", path, keyword, i);
      flat.push_back(flattened(options[i], where, 0));
      out.push_back(compile(restricts ? merge_schemas(rest, flat.back(), where) : options[i], where));
    }
    if (keyword == "oneOf") check_disjoint(flat, path);
    return g_.choice(out);
  }

  static void check_disjoint(const std::vector<Json>& options, const std::string& path) {
    for (size_t i = 0; i < options.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (!are_disjoint(options[j], options[i])) {
          refuse(path, "oneOf",
                 fmt::format("options {} and {} may both fit one value, which cannot be prevented; use 'anyOf'", j, i));
        }
      }
    }
  }

  NodeId compile_types(const Json& schema, const std::string& path) {
    if (schema.contains("type") && !schema["type"].is_string() && !schema["type"].is_array())
      wrong(path, "type", "a string or a list");
    std::vector<std::string> types = schema_types(schema);
    if (!schema.contains("type")) {
      types = implied_types(schema);
      if (types.empty()) return json_.any_value();
    }
    std::vector<NodeId> options;
    for (const std::string& type : types) options.push_back(compile_type(type, schema, path));
    return g_.choice(options);
  }

  // Without "type" the other types are free; those that the keywords speak of are enough.
  static std::vector<std::string> implied_types(const Json& schema) {
    static const std::pair<const char*, std::vector<const char*>> kSpeakOf[] = {
        {"object",
         {"properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties",
          "maxProperties"}},
        {"array", {"items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"}},
        {"string", {"minLength", "maxLength", "pattern", "format"}},
        {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}}};
    std::vector<std::string> out;
    for (const auto& [type, keywords] : kSpeakOf) {
      if (std::ranges::any_of(keywords, [&](const char* keyword) { return schema.contains(keyword); }))
        out.emplace_back(type);
    }
    return out;
  }

  NodeId compile_type(const std::string& type, const Json& schema, const std::string& path) {
    if (type == "object") return compile_object(schema, path);
    if (type == "array") return compile_array(schema, path);
    if (type == "string") return compile_string(schema, path);
    if (type == "number" || type == "integer") return compile_number(schema, type == "integer", path);
    if (type == "boolean") return json_.boolean();
    if (type == "null") return json_.null();
    wrong(path, "type", "one of: object, array, string, number, integer, boolean, null");
  }

  static std::optional<uint32_t> count(const Json& schema, const char* keyword, const std::string& path) {
    const auto at = schema.find(keyword);
    if (at == schema.end()) return std::nullopt;
    const bool whole = at->is_number() && has_type(*at, "integer") && at->get<double>() >= 0;
    if (!whole) wrong(path, keyword, "a whole number");
    if (at->get<double>() > Grammar::kMostRepeats)
      refuse(path, keyword, fmt::format("is above {}", Grammar::kMostRepeats));
    return at->get<uint32_t>();
  }

  NodeId compile_string(const Json& schema, const std::string& path) {
    const uint32_t least = count(schema, "minLength", path).value_or(0);
    const uint32_t most = count(schema, "maxLength", path).value_or(Grammar::kUnbounded);
    if (least > most) return g_.choice({});
    const bool has_pattern = schema.contains("pattern"), has_format = schema.contains("format");
    if (!has_pattern && !has_format) return json_.string(least, most);
    if (has_pattern && has_format) refuse(path, "pattern", "cannot be held to together with 'format'");
    const char* keyword = has_pattern ? "pattern" : "format";
    if (!schema[keyword].is_string()) wrong(path, keyword, "a string");
    std::string expression = schema[keyword].get<std::string>();
    if (has_format) {
      const auto known = format_expression(expression);
      if (!known) refuse(path, "format", fmt::format("'{}' is not known", expression.substr(0, 40)));
      expression = *known;
    }
    const RegexPart part = compile_pattern(expression, has_pattern, path + "/" + keyword);
    if (part.shortest < least) refuse(path, "minLength", fmt::format("'{}' allows shorter texts", keyword));
    if (most != Grammar::kUnbounded && part.longest > most)
      refuse(path, "maxLength", fmt::format("'{}' allows longer texts", keyword));
    return json_.quoted(part.node);
  }

  RegexPart compile_pattern(const std::string& expression, bool anywhere, const std::string& path) {
    try {
      const auto write = [this](const CharSet& set) { return json_.written(set); };
      return compile_regex(g_, expression, {.anywhere = anywhere, .write = write});
    } catch (const UnsupportedError& e) {
      throw UnsupportedError("the schema's {}: {}", path, e.what());
    } catch (const FormatError& e) {
      throw FormatError("the schema's {}: {}", path, e.what());
    }
  }

  std::optional<NumberBound> bound(const Json& schema, const char* inclusive, const char* exclusive, bool least,
                                   const std::string& path) const {
    std::optional<NumberBound> out;
    std::optional<double> value;
    for (const char* keyword : {inclusive, exclusive}) {
      const auto at = schema.find(keyword);
      if (at == schema.end() || at->is_boolean()) continue;
      if (!at->is_number()) wrong(path, keyword, "a number");
      const double number = at->get<double>();
      const bool strict = keyword == exclusive || (schema.contains(exclusive) && schema[exclusive] == Json(true));
      const bool tighter = !value || (least ? number > *value : number < *value) || (number == *value && strict);
      if (!tighter) continue;
      const auto text = decimal(*at);
      if (!text) refuse(path, keyword, "has too many digits");
      out = NumberBound{*text, !strict};
      value = number;
    }
    return out;
  }

  NodeId compile_number(const Json& schema, bool integer, const std::string& path) {
    NumberRange range{.least = bound(schema, "minimum", "exclusiveMinimum", true, path),
                      .most = bound(schema, "maximum", "exclusiveMaximum", false, path),
                      .integer = integer,
                      .most_fraction = kMostRangeDigits};
    if (schema.contains("multipleOf")) {
      read_multiple(schema["multipleOf"], range, path);
    } else if (!range.least && !range.most) {
      return integer ? json_.integer() : json_.number();
    }
    const auto node = compile_range(g_, range);
    if (!node) refuse(path, range.least ? "minimum" : "maximum", "has too many digits");
    return *node;
  }

  static void read_multiple(const Json& of, NumberRange& range, const std::string& path) {
    if (!of.is_number() || of.get<double>() <= 0) wrong(path, "multipleOf", "a number above 0");
    if (has_type(of, "integer")) {
      if (of.get<double>() > kMostMultiple) refuse(path, "multipleOf", fmt::format("is above {}", kMostMultiple));
      range.multiple_of = of.get<uint32_t>();
      range.integer = true;
      return;
    }
    // 0.1, 0.01, ...: a limit on the digits after the point.
    const std::string text = decimal(of).value_or("");
    const bool power = text.starts_with("0.") && text.ends_with('1') &&
                       std::ranges::all_of(text.substr(2, text.size() - 3), [](char c) { return c == '0'; });
    if (!power) refuse(path, "multipleOf", "is neither whole nor 0.1, 0.01, ...");
    range.most_fraction = static_cast<uint32_t>(text.size() - 2);
  }

  NodeId compile_array(const Json& schema, const std::string& path) {
    const uint32_t least = count(schema, "minItems", path).value_or(0);
    uint32_t most = count(schema, "maxItems", path).value_or(Grammar::kUnbounded);
    const bool unique = schema.contains("uniqueItems") && schema["uniqueItems"] == Json(true);
    if (unique && most > 1) refuse(path, "uniqueItems", "cannot be held to unless 'maxItems' is 1");
    if (least > most) return g_.choice({});
    const bool older = schema.contains("items") && schema["items"].is_array();  // a list in draft 7
    const char* fixed_word = older ? "items" : "prefixItems";
    const char* rest_word = older ? "additionalItems" : "items";
    std::vector<NodeId> fixed;
    if (schema.contains(fixed_word)) {
      if (!schema[fixed_word].is_array()) wrong(path, fixed_word, "a list of schemas");
      for (size_t i = 0; i < schema[fixed_word].size(); ++i)
        fixed.push_back(compile(schema[fixed_word][i], fmt::format("{}/{}/{}", path, fixed_word, i)));
    }
    std::optional<NodeId> rest;
    if (!schema.contains(rest_word)) {
      rest = json_.any_value();
    } else if (schema[rest_word] != Json(false)) {
      rest = compile(schema[rest_word], path + "/" + rest_word);
    } else {
      most = std::min(most, static_cast<uint32_t>(fixed.size()));
      if (least > most) return g_.choice({});
    }
    return json_.array(fixed, rest, least, most);
  }

  static const Json& object_or_empty(const Json& schema, const char* keyword, const std::string& path) {
    static const Json kNone = Json::object();
    if (!schema.contains(keyword)) return kNone;
    if (!schema[keyword].is_object()) wrong(path, keyword, "an object");
    return schema[keyword];
  }

  NodeId compile_object(const Json& schema, const std::string& path) {
    const Json& properties = object_or_empty(schema, "properties", path);
    std::vector<std::string> names;
    std::set<std::string> required;
    for (const auto& [name, value] : properties.items()) names.push_back(name);
    if (schema.contains("required")) {
      if (!schema["required"].is_array()) wrong(path, "required", "a list of names");
      for (const Json& item : schema["required"]) {
        if (!item.is_string()) wrong(path, "required", "a list of names");
        const std::string name = item.get<std::string>();
        if (required.insert(name).second && !properties.contains(name)) names.push_back(name);
      }
    }
    const Json rest = schema.contains("additionalProperties") ? schema["additionalProperties"] : Json(true);
    std::vector<JsonParts::Member> members;
    for (const std::string& name : names) {
      const bool listed = properties.contains(name);
      const std::string where = listed ? path + "/properties/" + escaped(name) : path + "/additionalProperties";
      const Json& value = listed ? properties[name] : rest;
      if (value == Json(false) && !required.contains(name)) continue;
      members.push_back({g_.text(to_line(name)), compile(value, where), required.contains(name)});
    }
    auto others = compile_others(schema, rest, names, path);
    check_counts(schema, members, others, path);
    return json_.object(members, others);
  }

  // Properties that "properties" does not list.
  std::optional<JsonParts::Member> compile_others(const Json& schema, const Json& rest,
                                                  const std::vector<std::string>& names, const std::string& path) {
    const Json& patterns = object_or_empty(schema, "patternProperties", path);
    const bool has_names = schema.contains("propertyNames") && schema["propertyNames"] != Json(true);
    if (!patterns.empty()) {
      if (!names.empty() || patterns.size() > 1 || has_names) {
        refuse(path, "patternProperties", "cannot be held to beside other patterns, 'properties' or 'propertyNames'");
      }
      const std::string& pattern = patterns.begin().key();
      const Json& value = *patterns.begin();
      const std::string where = path + "/patternProperties/" + escaped(pattern);
      return JsonParts::Member{json_.quoted(compile_pattern(pattern, true, where).node), compile(value, where), false};
    }
    if (has_names && !names.empty()) refuse(path, "propertyNames", "cannot be held to beside named properties");
    const bool wanted = schema.contains("additionalProperties") ? rest != Json(false) : names.empty();
    if (!wanted) return std::nullopt;
    const NodeId value = compile(rest, path + "/additionalProperties");
    if (has_names) {
      Json name_schema = schema["propertyNames"];
      if (name_schema.is_object()) name_schema["type"] = "string";
      return JsonParts::Member{compile(name_schema, path + "/propertyNames"), value, false};
    }
    return JsonParts::Member{names.empty() ? json_.string() : json_.name_other_than(names), value, false};
  }

  // Counts are held to where they follow from what is required and listed.
  static void check_counts(const Json& schema, const std::vector<JsonParts::Member>& members,
                           std::optional<JsonParts::Member>& others, const std::string& path) {
    const auto least = count(schema, "minProperties", path), most = count(schema, "maxProperties", path);
    const auto required = std::ranges::count_if(members, [](const auto& m) { return m.required; });
    if (least && *least > required) refuse(path, "minProperties", "is above the number of required properties");
    if (most && *most < members.size()) refuse(path, "maxProperties", "is below the number of listed properties");
    if (most) others.reset();
  }

  Grammar& g_;
  JsonParts json_;
  const Json& root_;
  std::map<std::string, Grammar::RuleId> rules_;
  int compiled_ = 0;
};

}  // namespace

NodeId compile_json_schema(Grammar& grammar, const Json& schema) {
  return SchemaCompiler(grammar, schema).compile(schema, "#");
}

}  // namespace bantam
