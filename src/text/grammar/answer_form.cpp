#include "text/grammar/answer_form.h"

#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/call_marks.h"
#include "text/grammar/gbnf.h"
#include "text/grammar/json_parts.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/regex.h"
#include "text/grammar/schema_merge.h"

namespace bantam {
namespace {

using NodeId = Grammar::NodeId;

NodeId choice_form(Grammar& g, const Json& choices) {
  std::vector<std::string> words;
  for (const Json& choice : choices) {
    if (!choice.is_string()) throw FormatError("the choices: a choice is no string");
    words.push_back(choice.get<std::string>());
  }
  if (words.empty()) throw FormatError("the choices: there are none");
  return g.words(std::move(words));
}

// {"name": "...", "arguments": {...}}, as ToolCallReader reads it; a tool without parameters takes an empty object.
NodeId tool_call_form(Grammar& g, const Json& tools) {
  JsonParts json(g);
  std::vector<NodeId> options;
  for (const Json& tool : tools) {
    const Json& function = tool.at("function");
    const auto parameters = function.find("parameters");
    NodeId arguments = g.text("{}");
    if (parameters != function.end() && !parameters->is_null()) {
      Json schema = *parameters;
      if (schema.is_object() && !schema.contains("type") && !schema.contains("$ref")) schema["type"] = "object";
      if (schema_types(schema) != std::vector<std::string>{"object"} || schema.contains("enum"))
        throw UnsupportedError("the parameters of the tool '{}' are no object", function.at("name").get<std::string>());
      arguments = compile_json_schema(g, schema);
    }
    options.push_back(json.object(
        {{g.text("\"name\""), g.text(to_line(function.at("name"))), true}, {g.text("\"arguments\""), arguments, true}},
        {}));
  }
  return g.choice(options);
}

NodeId compile(Grammar& g, const AnswerForm& form) {
  switch (form.kind) {
    case AnswerForm::Kind::json:
      return JsonParts(g).any_object();
    case AnswerForm::Kind::json_schema:
      return compile_json_schema(g, parse_json(form.definition, "the schema"));
    case AnswerForm::Kind::regex:
      return compile_regex(g, form.definition).node;
    case AnswerForm::Kind::choice:
      return choice_form(g, parse_json(form.definition, "the choices"));
    case AnswerForm::Kind::tool_call:
      return tool_call_form(g, parse_json(form.definition, "the tools"));
    case AnswerForm::Kind::text_with_calls: {
      const NodeId space = JsonParts(g).space();
      const NodeId call = tool_call_form(g, parse_json(form.definition, "the tools"));
      return g.sequence({space, call, space, g.text(kCallEnd)});
    }
    default:
      throw UsageError("free text has no form");
  }
}

}  // namespace

Automaton compile_form(const AnswerForm& form, const CharSet& writable) {
  Grammar g;
  if (form.kind == AnswerForm::Kind::grammar) {
    g = compile_gbnf(form.definition);
  } else {
    g.root = g.declare("the answer");
    g.define(g.root, compile(g, form));
  }
  if (writable != CharSet::all()) g.keep_only(writable);
  return Automaton(g);
}

}  // namespace bantam
