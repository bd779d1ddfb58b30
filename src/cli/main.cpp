// The command line: lists the commands and turns what they throw into one paragraph and an exit code.
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "base/error.h"
#include "base/page_buffer.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "retrieval/sandbox.h"

namespace {

using namespace bantam;

enum ExitCode { kSuccess = 0, kInternal = 1, kBadInput = 2, kInterrupted = 130 };

constexpr const char* kFooter =
    "Examples:\n"
    "  bantam ask 'Does Bantam need a GPU?'\n"
    "  bantam chat --docs ~/Documents\n"
    "  bantam generate -m model.gguf -p 'Once upon a time' -n 64\n"
    "  bantam CMD --help\n"
    "\n"
    "Without -m ask, chat and eval use the reader inside this program, the other commands its language model.\n"
    "Exit codes: 0 success; 1 a fault of the program; 2 bad input, flags or environment; 130 after Ctrl-C.\n";

void add_commands(CLI::App& app) {
  add_ask(app);
  add_chat(app);
  add_generate(app);
  add_serve(app);
  add_keys(app);
  add_usage(app);
  add_show(app);
  add_bench(app);
  add_tokenize(app);
  add_detokenize(app);
  add_logits(app);
  add_train(app);
  add_calibrate(app);
  add_quantize(app);
  add_perplexity(app);
  add_index(app);
  add_search(app);
  add_eval(app);
  add_pull(app);
  add_list(app);
  add_rm(app);
  add_import(app);
  add_export(app);
}

int complain(int code, std::string_view message) {
  notice(message);
  return code;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "bantam" : "bantam " + chosen.front()->get_name();
  return complain(kBadInput, fmt::format("{} (see {} --help)", error.what(), command));
}

int run(int argc, char** argv) {
  CLI::App app("Bantam makes, shrinks and runs small language models on the computer you have.", "bantam");
  app.set_version_flag("--version", std::string("bantam ") + kVersion);
  app.require_subcommand(0, 1);  // with 1 a mistyped command would be called a missing one
  app.footer(kFooter);
  add_commands(app);
  if (argc < 2) {
    fmt::print(stderr, "{}", app.help());
    return kBadInput;
  }
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw UsageError("a command is needed; bantam --help lists them");
  } catch (const CLI::CallForHelp&) {
    print(app.help());
  } catch (const CLI::CallForVersion& version) {
    print(version.what() + std::string("\n"));
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  flush_output();
  return kSuccess;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == kParseCommand) return run_parse_child(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  put_heap_on_large_pages();
  try {
    return run(argc, argv);
  } catch (const OutputClosed&) {
    return kSuccess;
  } catch (const Interrupted&) {
    return kInterrupted;
  } catch (const Error& error) {
    return complain(kBadInput, error.what());
  } catch (const std::bad_alloc&) {
    return complain(kBadInput, "out of memory; a smaller model, context or batch may fit");
  } catch (const std::exception& error) {
    return complain(kInternal, fmt::format("internal error: {}; please report it", error.what()));
  }
}
