// How a command of `bantam` is declared: one file per command, one add_NAME() each, listed in main.cpp.
//
// A command throws: Error (bad input or flags: exit code 2), Interrupted (after Ctrl-C: 130), anything else (a bug: 1).
// main() turns each into one paragraph on standard error.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace bantam {

// Adds a command whose `Options` (defaults are the struct's) live as long as `app`. `examples` is shown at the end of
// `bantam NAME --help`: whole lines, indented by two.
template <class Options>
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& summary, const std::string& examples,
                      void (*declare)(CLI::App&, Options&), void (*run)(const Options&)) {
  CLI::App* command = app.add_subcommand(name, summary);
  command->footer("Examples:\n" + examples);
  const auto options = std::make_shared<Options>();  // the parser holds the callback, the callback holds the options
  declare(*command, *options);
  command->callback([options, run] { run(*options); });
  return *command;
}

void add_ask(CLI::App& app);
void add_bench(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_chat(CLI::App& app);
void add_detokenize(CLI::App& app);
void add_eval(CLI::App& app);
void add_export(CLI::App& app);
void add_generate(CLI::App& app);
void add_import(CLI::App& app);
void add_index(CLI::App& app);
void add_keys(CLI::App& app);
void add_list(CLI::App& app);
void add_logits(CLI::App& app);
void add_perplexity(CLI::App& app);
void add_pull(CLI::App& app);
void add_quantize(CLI::App& app);
void add_rm(CLI::App& app);
void add_search(CLI::App& app);
void add_serve(CLI::App& app);
void add_show(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_train(CLI::App& app);
void add_usage(CLI::App& app);

}  // namespace bantam
