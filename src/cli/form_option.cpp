#include "cli/form_option.h"

#include "base/file.h"
#include "base/json.h"

namespace bantam {

void add_form_options(CLI::App& command, FormOptions& options) {
  CLI::Option* const flags[] = {
      command.add_option("--json-schema", options.schema, "file with a JSON schema that the text must be valid for"),
      command.add_option("--grammar", options.grammar, "file with a grammar (GBNF) that the text must follow"),
      command.add_option("--regex", options.regex, "regular expression that the whole text must match"),
      command.add_option("--choices", options.choices, "texts with commas between them: one of these, nothing else")};
  for (CLI::Option* flag : flags) {
    for (CLI::Option* other : flags) {
      if (flag != other) flag->excludes(other);
    }
  }
}

AnswerForm answer_form(const FormOptions& options) {
  using Kind = AnswerForm::Kind;
  if (!options.schema.empty()) return {Kind::json_schema, read_file(options.schema)};
  if (!options.grammar.empty()) return {Kind::grammar, read_file(options.grammar)};
  if (!options.regex.empty()) return {Kind::regex, options.regex};
  if (options.choices.empty()) return {};
  Json list = Json::array();
  for (std::string_view rest = options.choices;;) {
    const size_t comma = rest.find(',');
    list.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return {Kind::choice, to_line(list)};
}

}  // namespace bantam
