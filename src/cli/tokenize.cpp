// bantam tokenize and its inverse.
#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/model_option.h"
#include "cli/terminal.h"
#include "text/tokenizer.h"

namespace bantam {
namespace {

struct Options {
  std::string model;
  bool special = false, bos = false, lines = false;
};

void declare_tokenize(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  command.add_flag("--special", options.special, "take the text of control tokens for the tokens");
  command.add_flag("--bos", options.bos, "put the beginning-of-sequence token first");
  command.add_flag("--lines", options.lines, "every line is a JSON string, a text of its own; print an array for each");
}

void run_tokenize(const Options& options) {
  const Tokenizer tokenizer = open_tokenizer(open_model_file(options.model).metadata);
  if (options.bos && !tokenizer.bos()) {
    throw UsageError("--bos: the vocabulary of {} has no beginning-of-sequence token", model_title(options.model));
  }
  const auto print_ids = [&](std::string_view text) {
    print(to_line(Json(tokenizer.encode(text, {.add_bos = options.bos, .parse_special = options.special}))) + "\n");
  };
  const std::string input = read_file("-");
  if (!options.lines) return print_ids(input);
  std::string_view rest = input;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string where = fmt::format("standard input, line {}", number);
    const Json text = parse_json(rest.substr(0, end), where);
    if (!text.is_string()) throw FormatError("{}: expected a JSON string, found {}", where, text.type_name());
    print_ids(text.get_ref<const std::string&>());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void declare_detokenize(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  command.add_flag("--special", options.special, "write control tokens as their text instead of leaving them out");
}

void run_detokenize(const Options& options) {
  const Tokenizer tokenizer = open_tokenizer(open_model_file(options.model).metadata);
  const Json array = parse_json(read_file("-"), "standard input");
  if (!array.is_array()) throw FormatError("standard input: expected a JSON array of token ids, as tokenize prints");
  std::vector<int32_t> ids;
  for (const Json& value : array) {
    const int64_t id = value.is_number_integer() ? value.get<int64_t>() : -1;
    if (id < 0 || id >= tokenizer.vocab_size()) {
      throw FormatError("standard input: entry {} is {}, expected a token id, 0 to {}", ids.size(), to_line(value),
                        tokenizer.vocab_size() - 1);
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  print(tokenizer.decode(ids, {.keep_control = options.special}));
}

}  // namespace

void add_tokenize(CLI::App& app) {
  add_command<Options>(app, "tokenize", "Text on standard input to token ids, one JSON array",
                       "  bantam tokenize < page.txt\n"
                       "  printf 'Hello world' | bantam tokenize -m model.gguf --bos\n",
                       declare_tokenize, run_tokenize);
}

void add_detokenize(CLI::App& app) {
  add_command<Options>(app, "detokenize", "A JSON array of token ids on standard input to text",
                       "  bantam tokenize < page.txt | bantam detokenize | cmp - page.txt\n", declare_detokenize,
                       run_detokenize);
}

}  // namespace bantam
