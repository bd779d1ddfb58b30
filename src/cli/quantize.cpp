// bantam quantize: the same model in a smaller format.
#include "shrink/quantize.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace bantam {
namespace {

struct Options {
  std::string in, out, to, embeddings, importance;
  bool pure = false;
  int threads = available_cpus();
};

std::string mix_names() {
  std::string list;
  for (const Mix& mix : all_mixes()) list += fmt::format("{}{}", list.empty() ? "" : ", ", mix.name);
  return list;
}

void declare(CLI::App& command, Options& options) {
  command.add_option("in", options.in, "GGUF file to read, or a name that bantam list shows")->required();
  command.add_option("out", options.out, "GGUF file to write")->required();
  command
      .add_option("--to,--type", options.to,
                  fmt::format("format of the matrices, or a mix of formats: {}", mix_names()))
      ->required();
  command.add_flag("--pure", options.pure, "one format for all matrices, without a mix's better ones");
  command.add_option("--embeddings", options.embeddings,
                     "format of the token table and the output head, which lose most from few bits (default: the "
                     "mix's, mostly q6_k)");
  command.add_option("--imatrix", options.importance, "what bantam calibrate wrote: which columns matter most");
  add_threads_option(command, options.threads);
}

Mix mix_of(const std::string& name) {
  if (const Mix* mix = find_mix(name)) return *mix;
  throw UsageError("--to is '{}', wanted one of {}", name, mix_names());
}

DType format_of(const std::string& name) {
  const auto dtype = dtype_from_name(name);
  if (!dtype || *dtype == DType::f64) {
    throw UsageError("--embeddings is '{}', wanted one of {}", name, known_dtypes());
  }
  return *dtype;
}

void run(const Options& options) {
  QuantizeOptions wanted;
  wanted.to = mix_of(options.to);
  wanted.pure = options.pure;
  if (!options.embeddings.empty()) wanted.embeddings = format_of(options.embeddings);
  std::optional<Importance> importance;
  if (!options.importance.empty()) wanted.importance = &importance.emplace(Importance::load(options.importance));
  ThreadPool pool(options.threads);
  const InterruptGuard guard;
  QuantizeReport report;
  {
    Progress bar("quantizing", 0, "MB");
    report = quantize(find_model(options.in), options.out, wanted, pool, [&](uint64_t done, uint64_t total) {
      throw_if_interrupted();
      bar.set_total(static_cast<double>(total) * 1e-6);
      bar.update(static_cast<double>(done) * 1e-6);
    });
  }
  for (const std::string& note : report.notes) notice(note);
  print(fmt::format("{}: {:.2f} MB of weights, {:.2f} MB before ({:.1f}%), {:.2f} bits per weight\n", options.out,
                    static_cast<double>(report.bytes_after) * 1e-6, static_cast<double>(report.bytes_before) * 1e-6,
                    100 * static_cast<double>(report.bytes_after) / static_cast<double>(report.bytes_before),
                    report.bits_per_weight()));
}

}  // namespace

void add_quantize(CLI::App& app) {
  add_command<Options>(app, "quantize", "Store a model's matrices in a smaller format",
                       "  bantam quantize model.gguf model-q8_0.gguf --to q8_0\n"
                       "  bantam quantize model.gguf model-q4_k_m.gguf --to q4_k_m --imatrix model.imatrix.gguf\n",
                       declare, run);
}

}  // namespace bantam
