// bantam perplexity: how well a model predicts texts.
#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "text/tokenizer.h"
#include "train/tokenise.h"

namespace bantam {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> files;
  int threads = available_cpus();
  int context = 512, stride = 0;
  int64_t max_tokens = 0;
  bool json = false;
};

void declare(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  command.add_option("files", options.files, "texts: .txt, .md or .jsonl with a \"text\" per line; .zst too")
      ->required();
  add_threads_option(command, options.threads);
  command.add_option("-c,--context", options.context, "tokens the model reads at a time")->capture_default_str();
  command.add_option("--stride", options.stride,
                     "tokens a window moves by; smaller is slower and gives each token "
                     "more of what came before (default: the context)");
  command.add_option("--max-tokens", options.max_tokens, "stop after the documents with so many tokens; 0: all")
      ->capture_default_str();
  command.add_flag("--json", options.json, "one JSON object per file on standard output");
}

void check(const Options& options, int model_context) {
  if (options.context < 2 || options.context > model_context) {
    throw UsageError("--context is {}, wanted 2 to the model's {}", options.context, model_context);
  }
  if (options.stride < 0 || options.stride > options.context) {
    throw UsageError("--stride is {}, wanted 1 to the context of {}", options.stride, options.context);
  }
  if (options.max_tokens < 0) throw UsageError("--max-tokens is {}, wanted 0 or more", options.max_tokens);
}

void report(const Options& options, const std::string& file, const Evaluation& e, double seconds) {
  if (options.json) {
    print(to_line(Json{{"file", file},
                       {"model", model_title(options.model)},
                       {"bits_per_byte", e.bits_per_byte()},
                       {"perplexity", e.perplexity()},
                       {"tokens", e.tokens},
                       {"bytes", e.bytes},
                       {"context", options.context},
                       {"stride", options.stride > 0 ? options.stride : options.context},
                       {"seconds", seconds}}) +
          "\n");
    return;
  }
  print(fmt::format("{}: {:.4f} bits/byte, perplexity {:.3f} ({} tokens, {} bytes)\n", file, e.bits_per_byte(),
                    e.perplexity(), e.tokens, e.bytes));
}

void run(const Options& options) {
  const auto model = open_model(options.model);
  check(options, model->config().context);
  const Tokenizer tokenizer = open_tokenizer(model->metadata());
  ThreadPool pool(options.threads);
  const Compute compute{pool, active_kernels()};
  EvaluationOptions wanted;
  wanted.context = options.context;
  wanted.stride = options.stride > 0 ? options.stride : options.context;
  const InterruptGuard guard;
  for (const std::string& file : options.files) {
    const auto documents = evaluation_documents(file, tokenizer, static_cast<uint64_t>(options.max_tokens));
    double total = 0;
    for (const EvaluationDocument& d : documents) total += static_cast<double>(d.tokens.size() - 1);
    Progress bar(file, total, "tokens");
    const Evaluation result =
        evaluate(model->config(), model->weights(), compute, documents, wanted, [&](uint64_t done) {
          throw_if_interrupted();
          bar.update(static_cast<double>(done));
        });
    report(options, file, result, bar.elapsed());
  }
}

}  // namespace

void add_perplexity(CLI::App& app) {
  add_command<Options>(app, "perplexity", "Measure bits per byte and perplexity on texts",
                       "  bantam perplexity -m model.gguf dev.jsonl.zst\n"
                       "  bantam perplexity -m model.gguf book.txt --context 1024 --stride 256 --json\n",
                       declare, run);
}

}  // namespace bantam
