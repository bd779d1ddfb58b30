// bantam generate: one prompt, one continuation.
#include "engine/generate.h"

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/form_option.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/run_check.h"
#include "cli/sampling_option.h"
#include "cli/terminal.h"
#include "engine/chat_format.h"
#include "engine/memory.h"

namespace bantam {
namespace {

struct Options {
  RunOptions run;
  SamplingOptions sampling;
  FormOptions form;
  std::optional<std::string> prompt, file;
  std::string system;
  int max_tokens = 128;
  bool chat = false, special = false, json = false;
};

void declare(CLI::App& command, Options& options) {
  add_run_options(command, options.run);
  CLI::Option* prompt = command.add_option("-p,--prompt", options.prompt, "text to continue; - reads standard input");
  CLI::Option* file = command.add_option("-f,--file", options.file, "file with the text to continue");
  prompt->excludes(file);
  command.add_option("-n,--max-tokens", options.max_tokens, "most tokens to write; -1: until the context is full")
      ->capture_default_str();
  command.add_flag("--chat", options.chat, "the text is a message to answer, not a text to continue");
  command.add_option("--system", options.system, "with --chat: what the model should be")->needs("--chat");
  command.add_flag("--special", options.special, "take the text of control tokens in the prompt for the tokens");
  command.add_flag("--json", options.json, "print text, finish reason, token counts and times as JSON");
  add_sampling_options(command, options.sampling);
  add_form_options(command, options.form);
}

std::vector<int32_t> encode_prompt(const Options& options, const Tokenizer& tokenizer, const ChatFormat* chat) {
  std::string text = options.file ? read_file(*options.file) : options.prompt == "-" ? read_file("-") : *options.prompt;
  if (!chat) {
    return tokenizer.encode(text, {.add_bos = tokenizer.wants_bos(), .parse_special = options.special});
  }
  std::vector<ChatMessage> messages;
  if (!options.system.empty()) messages.push_back({"system", options.system});
  messages.push_back({"user", std::move(text)});
  return chat->prompt(messages);
}

double per_second(size_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

void print_json(const Generation& result, uint64_t seed, double load_s) {
  const Usage& usage = result.usage;
  print(to_line({{"text", result.text},
                 {"finish_reason", to_string(result.finish)},
                 {"prompt_tokens", usage.prompt_tokens},
                 {"completion_tokens", result.tokens.size()},
                 {"tokens", result.tokens},
                 {"seed", seed},
                 {"load_s", load_s},
                 {"prefill_s", usage.prefill_s},
                 {"decode_s", usage.decode_s},
                 {"prefill_tokens_per_s", per_second(static_cast<size_t>(usage.prompt_tokens), usage.prefill_s)},
                 {"decode_tokens_per_s", per_second(result.tokens.size(), usage.decode_s)},
                 {"drafted_tokens", usage.drafted_tokens},
                 {"accepted_tokens", usage.accepted_tokens},
                 {"peak_memory_bytes", peak_memory()}}) +
        "\n");
}

void run(const Options& options) {
  if (!options.prompt && !options.file) {
    throw UsageError("generate needs a prompt: -p TEXT, -p - for standard input, or -f FILE");
  }
  if (options.max_tokens < -1) {
    throw UsageError("--max-tokens is {}, expected 0 or more, or -1 to fill the context", options.max_tokens);
  }
  const auto began = std::chrono::steady_clock::now();
  const ModelToRun opened = open_to_run(options.run);
  Engine engine(opened.model, opened.options);
  say_warning(engine.tokenizer());
  const double load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();

  Request request;
  std::optional<ChatFormat> chat;
  if (options.chat) chat.emplace(engine.tokenizer(), opened.model->metadata());
  request.prompt = encode_prompt(options, engine.tokenizer(), chat ? &*chat : nullptr);
  if (options.max_tokens >= 0) request.max_tokens = options.max_tokens;
  request.sampling = sampler_params(options.sampling);
  request.stops = options.sampling.stops;
  if (chat) {
    for (std::string& stop : chat->stops()) request.stops.push_back(std::move(stop));
  }
  const AnswerForm form = answer_form(options.form);
  if (form.kind != AnswerForm::Kind::free) request.constraint = engine.constraint(form, request.prompt.back());
  GenerateEvents events;
  if (!options.json) {
    events.on_text = [](std::string_view piece) {
      print(piece);
      flush_output();
    };
  }
  events.cancelled = interrupted;
  const InterruptGuard guard;
  const uint64_t seed = request.sampling.seed;
  const Generation result = generate(engine, std::move(request), events);

  if (options.json) print_json(result, seed, load_s);
  if (!options.json && stdout_is_terminal()) print("\n");
  if (result.finish == FinishReason::cancelled) {
    flush_output();
    throw Interrupted{};
  }
  if (result.finish == FinishReason::context_full && !options.json) {
    notice(fmt::format("stopped because the context of {} tokens is full", engine.context()));
  }
}

}  // namespace

void add_generate(CLI::App& app) {
  add_command<Options>(app, "generate", "Continue a text, or answer one message",
                       "  bantam generate -p 'Once upon a time' -n 64\n"
                       "  bantam generate -m model.gguf -p 'The capital of France is' -n 8 --temp 0\n"
                       "  bantam generate --chat -f question.txt --json\n"
                       "  bantam generate -m llama-8b.gguf --draft llama-1b.gguf -p 'Dear'\n"
                       "  bantam generate -p 'Is it raining? ' --choices yes,no\n"
                       "  bantam generate -m model.gguf --chat -p 'A city in France' --json-schema city.json\n"
                       "  bantam generate -m model.gguf -p 'Born on ' --regex '[0-9]{4}-[0-9]{2}-[0-9]{2}'\n"
                       "  bantam generate -m model.gguf -p 'Moves: ' --grammar chess.gbnf\n",
                       declare, run)
      .alias("run");
}

}  // namespace bantam
