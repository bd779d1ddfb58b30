#include "text/grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "base/error.h"
#include "base/rng.h"
#include "text/grammar/answer_form.h"
#include "text/grammar/test_matching.h"
#include "text/grammar/test_schemas.h"

namespace bantam {
namespace {

using testing::HasSubstr;

Matcher form_matcher(AnswerForm::Kind kind, const std::string& definition) {
  return Matcher(std::make_shared<const Automaton>(compile_form({kind, definition})));
}
Matcher schema_matcher(const Json& schema) { return form_matcher(AnswerForm::Kind::json_schema, to_line(schema)); }

bool schema_accepts(const char* schema, std::string_view text) {
  return accepts(schema_matcher(Json::parse(schema)), text);
}

std::string refusal(const std::string& schema) {
  try {
    form_matcher(AnswerForm::Kind::json_schema, schema);
  } catch (const UnsupportedError& e) {
    return std::string("unsupported: ") + e.what();
  } catch (const FormatError& e) {
    return std::string("wrong: ") + e.what();
  }
  return "accepted";
}

// A text that random bytes lead to; after some of them the shortest way to an end.
std::string random_walk(Matcher& matcher, Rng& rng) {
  std::string text;
  Matcher::State state = matcher.start();
  const size_t most = 10 + rng.below(120);
  while (text.size() < most) {
    std::vector<uint8_t> next;
    for (int byte = 0; byte < 256; ++byte) {
      if (matcher.next(state, static_cast<uint8_t>(byte)) != Matcher::kDead) next.push_back(static_cast<uint8_t>(byte));
    }
    if (next.empty() || (matcher.complete(state) && rng.below(4) == 0)) break;
    uint8_t byte = next[rng.below(next.size())];
    if (rng.below(3) == 0 && std::ranges::find(next, '"') != next.end()) byte = '"';
    state = matcher.next(state, byte);
    text += static_cast<char>(byte);
  }
  const auto end = shortest_end(matcher, state);
  if (!end) ADD_FAILURE() << "no way on after " << text;
  return text + end.value_or("");
}

TEST(JsonSchema, whatever_is_written_is_valid) {
  Rng rng(1);
  int compiled = 0;
  for (int round = 0; round < 400; ++round) {
    const Json schema = random_schema(rng, 3);
    std::optional<Matcher> matcher;
    try {
      matcher.emplace(schema_matcher(schema));
    } catch (const UnsupportedError&) {
      continue;
    } catch (const FormatError& e) {
      ASSERT_THAT(e.what(), HasSubstr("nothing can be written")) << to_line(schema);
      continue;
    }
    ++compiled;
    for (int walk = 0; walk < 6; ++walk) {
      const std::string text = random_walk(*matcher, rng);
      const Json value = parse_json(text, "a walk");
      ASSERT_EQ(violation(schema, value, schema), "") << to_line(schema) << "\n" << text;
    }
  }
  EXPECT_GT(compiled, 300);
}

TEST(JsonSchema, what_a_generator_writes_is_accepted) {
  Rng rng(2);
  int tried = 0;
  for (int round = 0; round < 400; ++round) {
    const Json schema = random_schema(rng, 3);
    std::optional<Matcher> matcher;
    try {
      matcher.emplace(schema_matcher(schema));
    } catch (const Error&) {
      continue;
    }
    for (int i = 0; i < 6; ++i) {
      const auto value = random_instance(schema, rng);
      if (!value || !violation(schema, *value, schema).empty()) continue;
      ++tried;
      ASSERT_TRUE(accepts(*matcher, to_line(*value))) << to_line(schema) << "\n" << to_line(*value);
    }
  }
  EXPECT_GT(tried, 800);
}

TEST(JsonSchema, properties_come_in_order_and_required_ones_are_there) {
  const char* schema = R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"},
      "c": {"type": "null"}}, "required": ["b"], "additionalProperties": false})";
  for (const char* good : {R"({"b":true})", R"({"a":1,"b":false})", R"({ "a": 1, "b": false, "c": null })",
                           "{\n  \"b\": true,\n  \"c\": null\n}"}) {
    EXPECT_TRUE(schema_accepts(schema, good)) << good;
  }
  for (const char* bad : {"{}", R"({"a":1})", R"({"b":true,"a":1})", R"({"b":true,})", R"({,"b":true})",
                          R"({"b":true,"d":1})", R"({"b":true,"b":true})", R"({"b":1})"}) {
    EXPECT_FALSE(schema_accepts(schema, bad)) << bad;
  }
}

TEST(JsonSchema, additional_properties_have_other_names) {
  const char* schema = R"({"type": "object", "properties": {"ab": {"type": "integer"}, "a": {"type": "integer"}},
      "required": ["ab"], "additionalProperties": {"type": "string"}})";
  for (const char* good : {R"({"ab":1})", R"({"ab":1,"b":"x","abc":"y"})", R"({"ab":1,"a":2,"":"x","\n":"y"})"})
    EXPECT_TRUE(schema_accepts(schema, good)) << good;
  for (const char* bad : {R"({"ab":1,"a":"x"})", R"({"ab":"x"})", R"({"ab":1,"\u0061":"x"})", R"({"ab":1,"c":1})"})
    EXPECT_FALSE(schema_accepts(schema, bad)) << bad;
}

TEST(JsonSchema, numbers_keep_to_their_bounds) {
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    const bool integer = rng.below(2) == 0;
    const auto bound = [&] {
      const double scale = std::pow(10.0, static_cast<double>(rng.below(7)));
      const double value = std::round((rng.uniform() * 2 - 1) * scale * (integer ? 1 : 100)) / (integer ? 1 : 100);
      return integer ? Json(static_cast<int64_t>(value)) : Json(value);
    };
    Json low = bound(), high = bound();
    if (low > high) std::swap(low, high);
    Json schema = {{"type", integer ? "integer" : "number"}};
    if (rng.below(5) > 0) schema[rng.below(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
    if (rng.below(5) > 0) schema[rng.below(2) == 0 ? "maximum" : "exclusiveMaximum"] = high;
    if (integer && rng.below(3) == 0) schema["multipleOf"] = 1 + rng.below(12);
    std::optional<Matcher> matcher;
    try {
      matcher.emplace(schema_matcher(schema));
    } catch (const FormatError&) {
      continue;  // nothing between the bounds
    }
    for (int i = 0; i < 40; ++i) {
      const double at = low.get<double>() + (rng.uniform() * 1.4 - 0.2) * (high.get<double>() - low.get<double>() + 2);
      const Json value = integer ? Json(static_cast<int64_t>(at)) : Json(std::round(at * 1000) / 1000);
      const std::string text = to_line(value);
      if (text.find('e') != std::string::npos || text == "-0.0") continue;
      ASSERT_EQ(accepts(*matcher, text), violation(schema, value, schema).empty()) << to_line(schema) << " " << text;
    }
    for (int i = 0; i < 10; ++i) {
      const std::string text = random_walk(*matcher, rng);
      ASSERT_EQ(violation(schema, Json::parse(text), schema), "") << to_line(schema) << " " << text;
    }
  }
}

TEST(JsonSchema, strings_have_their_length_pattern_and_format) {
  EXPECT_TRUE(schema_accepts(R"({"type":"string","minLength":2,"maxLength":3})", "\"\\u00e9한\xF0\x9F\x98\x80\""));
  EXPECT_TRUE(schema_accepts(R"({"type":"string","maxLength":1})", R"("\ud83d\ude00")"));
  EXPECT_FALSE(schema_accepts(R"({"type":"string","maxLength":1})", R"("\ud83d")"));
  EXPECT_FALSE(schema_accepts(R"({"type":"string","maxLength":3})", R"("abcd")"));
  EXPECT_TRUE(schema_accepts(R"({"type":"string","pattern":"^\"\\d+\\n$"})", R"("\"12\n")"));
  EXPECT_TRUE(schema_accepts(R"({"type":"string","pattern":"b"})", R"("ab\"c")"));
  EXPECT_TRUE(schema_accepts(R"({"type":"string","pattern":"^[a-z]{3}$","maxLength":3})", R"("abc")"));
  const std::vector<std::tuple<const char*, std::vector<const char*>, std::vector<const char*>>> kFormats = {
      {"date", {"2024-02-29", "2000-02-29", "1999-12-31"}, {"2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01"}},
      {"time", {"23:59:59Z", "00:00:00.5+09:00"}, {"24:00:00Z", "12:00:00", "12:60:00Z"}},
      {"date-time", {"2024-02-29T12:00:00Z"}, {"2024-02-29 12:00:00Z", "2024-02-29"}},
      {"uuid", {"123e4567-e89b-12d3-a456-426614174000"}, {"123e4567e89b12d3a456426614174000"}},
      {"email", {"a.b@example.com"}, {"a@b@c.de", ".a@b.c", "a"}},
      {"ipv4", {"255.0.10.199"}, {"256.0.0.1", "1.2.3", "01.2.3.4"}},
      {"ipv6", {"2001:db8:0:0:0:0:0:1"}, {"2001:db8"}},
      {"hostname", {"a-b.example"}, {"-a", "a..b"}},
      {"duration", {"P3Y6M4DT12H30M5S", "PT5M", "P2W"}, {"P", "PT", "5M"}},
      {"uri", {"https://example.com/a%20b?c=d#e"}, {"example.com", "https://"}}};
  for (const auto& [format, good, bad] : kFormats) {
    const Json schema = {{"type", "string"}, {"format", format}};
    for (const char* text : good) EXPECT_TRUE(accepts(schema_matcher(schema), to_line(text))) << format << " " << text;
    for (const char* text : bad) EXPECT_FALSE(accepts(schema_matcher(schema), to_line(text))) << format << " " << text;
  }
}

TEST(JsonSchema, references_may_go_in_circles) {
  const char* tree = R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
      "value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
      "required": ["value"], "additionalProperties": false}}})";
  EXPECT_TRUE(schema_accepts(tree, R"({"value":1,"children":[{"value":2,"children":[]},{"value":3}]})"));
  EXPECT_FALSE(schema_accepts(tree, R"({"value":1,"children":[{"children":[]}]})"));
  EXPECT_TRUE(schema_accepts(R"({"type":["array","null"],"items":{"$ref":"#"}})", "[[null,[]],null]"));
  EXPECT_THAT(refusal(R"({"$ref": "#"})"), HasSubstr("wrong"));
  EXPECT_THAT(refusal(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})"),
              HasSubstr("nothing can be written"));
  EXPECT_THAT(refusal(R"({"allOf":[{"$ref":"#"}],"type":"object"})"), HasSubstr("refers to itself"));
  EXPECT_THAT(refusal(R"({"$ref": "#/$defs/none"})"), HasSubstr("there is nothing at"));
  EXPECT_THAT(refusal(R"({"$ref": "other.json"})"), HasSubstr("unsupported"));
}

TEST(JsonSchema, all_of_is_merged) {
  const char* schema = R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
      {"properties": {"a": {"maximum": 5}, "b": {"type": "string"}}, "required": ["b"]}], "additionalProperties": false,
      "properties": {"a": {"minimum": 3}, "b": true}})";
  EXPECT_TRUE(schema_accepts(schema, R"({"a":4,"b":"x"})"));
  EXPECT_FALSE(schema_accepts(schema, R"({"a":6,"b":"x"})"));
  EXPECT_FALSE(schema_accepts(schema, R"({"a":2,"b":"x"})"));
  EXPECT_FALSE(schema_accepts(schema, R"({"a":4})"));
  EXPECT_TRUE(schema_accepts(R"({"type":["string","null"],"allOf":[{"nullable":true,"type":"string"}]})", "null"));
  EXPECT_FALSE(schema_accepts(R"({"type":"string","allOf":[{"nullable":true,"type":"string"}]})", "null"));
  EXPECT_THAT(refusal(R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})"), HasSubstr("pattern"));
}

TEST(JsonSchema, one_of_needs_options_that_exclude_each_other) {
  const char* shapes = R"({"oneOf": [
      {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["kind", "r"]},
      {"type": "object", "properties": {"kind": {"const": "square"}, "a": {"type": "number"}}, "required": ["kind", "a"]},
      {"type": "null"}]})";
  EXPECT_TRUE(schema_accepts(shapes, R"({"kind":"square","a":2.5})"));
  EXPECT_TRUE(schema_accepts(shapes, "null"));
  EXPECT_FALSE(schema_accepts(shapes, R"({"kind":"circle","a":2.5})"));
  EXPECT_THAT(refusal(R"({"oneOf":[{"type":"integer"},{"type":"number"}]})"), HasSubstr("#/oneOf"));
}

TEST(JsonSchema, refuses_what_it_cannot_hold_to_by_its_place) {
  const std::pair<const char*, const char*> kRefusals[] = {
      {R"({"type":"object","properties":{"a":{"not":{"type":"string"}}}})", "#/properties/a/not"},
      {R"({"type":"array","uniqueItems":true})", "#/uniqueItems"},
      {R"({"type":"array","contains":{"type":"null"}})", "#/contains"},
      {R"({"if":{"type":"string"},"then":false})", "#/if"},
      {R"({"type":"object","dependentRequired":{}})", "#/dependentRequired"},
      {R"({"type":"object","unevaluatedProperties":false})", "#/unevaluatedProperties"},
      {R"({"type":"string","format":"made-up"})", "#/format"},
      {R"x({"type":"string","pattern":"(?=a)"})x", "#/pattern"},
      {R"({"type":"string","pattern":"a*","maxLength":4})", "#/maxLength"},
      {R"({"type":"object","properties":{"a/b":{"enum":["x"],"minLength":2}}})", "#/properties/a~1b/minLength"},
      {R"({"type":"object","minProperties":1})", "#/minProperties"},
      {R"({"type":"number","multipleOf":0.3})", "#/multipleOf"},
      {R"({"type":"number","minimum":1e300})", "#/minimum"},
      {R"({"type":"object","properties":{"a":true},"patternProperties":{"^b":true}})", "#/patternProperties"}};
  for (const auto& [schema, place] : kRefusals) {
    EXPECT_THAT(refusal(schema), HasSubstr(place)) << schema;
    EXPECT_THAT(refusal(schema), HasSubstr("unsupported")) << schema;
  }
  const std::pair<const char*, const char*> kWrong[] = {{R"({"type":"text"})", "#/type"},
                                                        {R"({"type":7})", "#/type"},
                                                        {R"({"properties":[]})", "#/properties"},
                                                        {R"({"required":"a"})", "#/required"},
                                                        {R"({"minLength":-1})", "#/minLength"},
                                                        {R"({"minLength":1.5})", "#/minLength"},
                                                        {R"({"enum":{}})", "#/enum"},
                                                        {R"({"anyOf":[]})", "#/anyOf"},
                                                        {R"({"type":"string","pattern":"("})", "#/pattern"},
                                                        {R"({"properties":{"a":3}})", "#/properties/a"},
                                                        {R"([])", "#"},
                                                        {R"({"type":"integer","minimum":5,"maximum":4})", "nothing"},
                                                        {R"(false)", "nothing"}};
  for (const auto& [schema, place] : kWrong) {
    EXPECT_THAT(refusal(schema), HasSubstr(place)) << schema;
    EXPECT_THAT(refusal(schema), HasSubstr("wrong")) << schema;
  }
}

TEST(JsonSchema, nesting_and_multiplying_end_in_an_error) {
  std::string deep = R"({"type":"null"})";
  for (int i = 0; i < 60; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_EQ(refusal(deep), "accepted");
  std::string deeper;
  for (int i = 0; i < 100'000; ++i) deeper += R"({"items":)";
  EXPECT_THAT(refusal(deeper), HasSubstr("deeper"));
  Json wide = {{"type", "object"}, {"allOf", Json::array()}};
  for (int i = 0; i < 12; ++i) {
    const std::string name = fmt::format("p{}", i);
    wide["allOf"].push_back({{"anyOf", {{{"properties", {{name, {{"type", "null"}}}}}}, {{"required", {name}}}}}});
  }
  EXPECT_THAT(refusal(to_line(wide)), HasSubstr("unsupported"));
  EXPECT_EQ(refusal(R"({"type":"array","minItems":1000000000,"items":{"type":"string","minLength":1000000000}})"),
            "accepted");
  EXPECT_THAT(refusal(R"({"type":"array","minItems":1e12})"), HasSubstr("#/minItems"));
  Json many = {{"enum", Json::array()}};
  for (int i = 0; i < 50'000; ++i) many["enum"].push_back(fmt::format("value {}", i));
  EXPECT_EQ(refusal(to_line(many)), "accepted");
}

TEST(AnswerForm, any_json_is_an_object_our_parser_reads) {
  Matcher matcher = form_matcher(AnswerForm::Kind::json, "");
  EXPECT_TRUE(accepts(matcher, R"({"a": [1, -2.5e3, true, null, "x\ud83d\ude00y", {}], "b": {"c": []}})"));
  for (const char* bad : {"[]", "1", "{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\n\"}", "{a:1}", "{\"a\":\"\\ud83d\"}"})
    EXPECT_FALSE(accepts(matcher, bad)) << bad;
  std::string text = "{\"a\":";
  while (run(matcher, text + "[") != Matcher::kDead) text += '[';
  EXPECT_GT(text.size(), 60U);
  std::string closing(text.size() - 5, ']');
  ASSERT_TRUE(accepts(matcher, text + closing + "}"));
  EXPECT_NO_THROW(parse_json(text + closing + "}", "the deepest"));
}

TEST(AnswerForm, choices_are_the_listed_texts) {
  Matcher matcher = form_matcher(AnswerForm::Kind::choice, R"(["yes", "no", "아니오", "yes!"])");
  for (const char* good : {"yes", "yes!", "no", "아니오"}) EXPECT_TRUE(accepts(matcher, good));
  for (const char* bad : {"", "ye", "yes?", "아니"}) EXPECT_FALSE(accepts(matcher, bad));
  EXPECT_THROW(form_matcher(AnswerForm::Kind::choice, "[]"), FormatError);
  EXPECT_THROW(form_matcher(AnswerForm::Kind::choice, "[1]"), FormatError);
}

TEST(AnswerForm, tool_calls_have_the_arguments_of_their_tool) {
  Matcher matcher = form_matcher(AnswerForm::Kind::tool_call, R"([
      {"type": "function", "function": {"name": "now"}},
      {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}}}])");
  EXPECT_TRUE(accepts(matcher, R"({"name": "now", "arguments": {}})"));
  EXPECT_TRUE(accepts(matcher, R"({"name": "weather", "arguments": {"city": "서울"}})"));
  EXPECT_FALSE(accepts(matcher, R"({"name": "weather", "arguments": {}})"));
  EXPECT_FALSE(accepts(matcher, R"({"name": "now", "arguments": {"city": "x"}})"));
  EXPECT_THROW(
      form_matcher(AnswerForm::Kind::tool_call, R"([{"function": {"name": "x", "parameters": {"type": "string"}}}])"),
      UnsupportedError);
}

TEST(AnswerForm, a_call_in_free_text_goes_up_to_its_mark) {
  Matcher matcher = form_matcher(AnswerForm::Kind::text_with_calls,
                                 R"([{"type": "function", "function": {"name": "now", "parameters": null}}])");
  EXPECT_TRUE(accepts(matcher, "\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"));
  EXPECT_TRUE(accepts(matcher, R"({"name":"now","arguments":{}}</tool_call>)"));
  EXPECT_FALSE(accepts(matcher, R"({"name":"now","arguments":{}})"));
  EXPECT_FALSE(accepts(matcher, R"({"name":"now","arguments":{}}</tool_call> )"));
}

TEST(AnswerForm, characters_that_cannot_be_written_are_left_out) {
  const CharSet ascii({{U' ', U'~'}});
  Matcher matcher(
      std::make_shared<const Automaton>(compile_form({AnswerForm::Kind::choice, R"(["yes", "예", "no"])"}, ascii)));
  EXPECT_TRUE(accepts(matcher, "no"));
  EXPECT_EQ(run(matcher, "\xEC"), Matcher::kDead);
  EXPECT_THROW(compile_form({AnswerForm::Kind::choice, R"(["예"])"}, ascii), FormatError);
}

}  // namespace
}  // namespace bantam
