// bantam calibrate: which columns of a model's matrices matter most, measured on texts.
#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "shrink/importance.h"
#include "text/tokenizer.h"
#include "train/tokenise.h"

namespace bantam {
namespace {

struct Options {
  std::string model, out;
  std::vector<std::string> data;
  int threads = available_cpus();
  int context = 512;
  int64_t max_tokens = 100'000;
};

void declare(CLI::App& command, Options& options) {
  command
      .add_option("model", options.model, "GGUF file to measure, or a name that bantam list shows; f32 or f16 is best")
      ->required();
  command
      .add_option("--data", options.data,
                  "texts like those the model will meet: .txt, .md or .jsonl with a \"text\" per line; .zst too")
      ->required();
  command.add_option("-o,--out", options.out, "GGUF file to write, for bantam quantize --imatrix")->required();
  command.add_option("-c,--context", options.context, "tokens the model reads at a time")->capture_default_str();
  command.add_option("--max-tokens", options.max_tokens, "of each file; 0: all")->capture_default_str();
  add_threads_option(command, options.threads);
}

void run(const Options& options) {
  ModelFile file = open_model_file(options.model);
  Calibration calibration(file.tensors());
  const auto model = Model::from_file(std::move(file));  // its tensors stay where they are
  if (options.context < 1 || options.context > model->config().context) {
    throw UsageError("--context is {}, wanted 1 to the model's {}", options.context, model->config().context);
  }
  if (options.max_tokens < 0) throw UsageError("--max-tokens is {}, wanted 0 or more", options.max_tokens);
  const Tokenizer tokenizer = open_tokenizer(model->metadata());
  ThreadPool pool(options.threads);
  const LinearObserver observe = [&](const Matrix& w, const Tensor& x) { calibration.observe(w, x); };
  const Compute compute{pool, active_kernels(), GemmPrecision::f32, &observe};
  const EvaluationOptions wanted{.context = options.context, .stride = options.context};
  const InterruptGuard guard;
  for (const std::string& data : options.data) {
    const auto documents = evaluation_documents(data, tokenizer, static_cast<uint64_t>(options.max_tokens));
    double total = 0;
    for (const EvaluationDocument& d : documents) total += static_cast<double>(d.tokens.size() - 1);
    Progress bar(data, total, "tokens");
    const Evaluation result =
        evaluate(model->config(), model->weights(), compute, documents, wanted, [&](uint64_t done) {
          throw_if_interrupted();
          bar.update(static_cast<double>(done));
        });
    print(fmt::format("{}: {} tokens, perplexity {:.3f}\n", data, result.tokens, result.perplexity()));
  }
  calibration.importance().save(options.out, options.data, options.context);
}

}  // namespace

void add_calibrate(CLI::App& app) {
  add_command<Options>(app, "calibrate", "Measure which columns of a model's matrices matter most",
                       "  bantam calibrate model.gguf --data texts.jsonl.zst -o model.imatrix.gguf\n"
                       "  bantam quantize model.gguf small.gguf --to q4_k_m --imatrix model.imatrix.gguf\n",
                       declare, run);
}

}  // namespace bantam
