// bantam quantize: the same model in a smaller format.
#include "shrink/quantize.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace bantam {
namespace {

struct Options {
  std::string in, out, to, embeddings;
  int threads = available_cpus();
};

constexpr std::string_view kFormats = "f32, f16, bf16, q8_0, q4_0";

void declare(CLI::App& command, Options& options) {
  command.add_option("in", options.in, "GGUF file to read")->required();
  command.add_option("out", options.out, "GGUF file to write")->required();
  command.add_option("--to", options.to, fmt::format("format of the matrices: {}", kFormats))->required();
  command.add_option("--embeddings", options.embeddings,
                     "format of the token table and the output head, which lose most from few bits (default: as --to)");
  add_threads_option(command, options.threads);
}

DType format_of(const char* flag, const std::string& name) {
  const auto dtype = dtype_from_name(name);
  if (!dtype || *dtype == DType::f64)
    throw UsageError("{} is '{}', wanted one of {}", flag, name, kFormats);
  return *dtype;
}

void run(const Options& options) {
  QuantizeOptions wanted;
  wanted.to = format_of("--to", options.to);
  if (!options.embeddings.empty()) wanted.embeddings = format_of("--embeddings", options.embeddings);
  ThreadPool pool(options.threads);
  const InterruptGuard guard;
  QuantizeReport report;
  {
    Progress bar("quantizing", 0, "MB");
    report = quantize(options.in, options.out, wanted, pool, [&](uint64_t done, uint64_t total) {
      throw_if_interrupted();
      bar.set_total(static_cast<double>(total) * 1e-6);
      bar.update(static_cast<double>(done) * 1e-6);
    });
  }
  for (const std::string& note : report.notes) notice(note);
  print(fmt::format("{}: {:.2f} MB of weights, {:.2f} MB before ({:.1f}%)\n", options.out,
                    static_cast<double>(report.bytes_after) * 1e-6, static_cast<double>(report.bytes_before) * 1e-6,
                    100 * static_cast<double>(report.bytes_after) / static_cast<double>(report.bytes_before)));
}

}  // namespace

void add_quantize(CLI::App& app) {
  add_command<Options>(app, "quantize", "Store a model's matrices in a smaller format",
                       "  bantam quantize model.gguf model-q8_0.gguf --to q8_0\n"
                       "  bantam quantize model.gguf model-q4_0.gguf --to q4_0 --embeddings q8_0\n",
                       declare, run);
}

}  // namespace bantam
