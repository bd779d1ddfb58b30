// bantam bench: how fast this machine runs a model. pp512 and tg128 mean what they mean in llama.cpp's llama-bench.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "engine/session.h"

namespace bantam {
namespace {

constexpr int kPromptTokens = 512, kDecodeTokens = 128;

struct Options {
  std::string model;
  int threads = available_cpus();
  int runs = 5;
  bool json = false;
};

void declare(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  add_threads_option(command, options.threads);
  command.add_option("-r,--runs", options.runs, "how often each is measured, at least 3")->capture_default_str();
  command.add_flag("--json", options.json, "print the numbers as JSON");
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

// Tokens per second over the runs.
struct Speed {
  int tokens;
  double median, slowest, fastest;
};

Speed measure(int tokens, int runs, const std::function<void()>& work, Progress& progress, int& done) {
  std::vector<double> rates;
  for (int i = 0; i <= runs; ++i) {
    const auto began = Clock::now();
    work();
    if (i > 0) rates.push_back(tokens / seconds_since(began));  // the first one warms up
    progress.update(++done);
  }
  std::sort(rates.begin(), rates.end());
  const size_t middle = rates.size() / 2;
  const double median = rates.size() % 2 == 1 ? rates[middle] : (rates[middle - 1] + rates[middle]) / 2;
  return {tokens, median, rates.front(), rates.back()};
}

size_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

std::string table_line(const char* name, const Speed& speed) {
  return fmt::format("{:<24}{:>10.1f} tokens/s   ({:.1f} to {:.1f})\n", fmt::format("{} {} tokens", name, speed.tokens),
                     speed.median, speed.slowest, speed.fastest);
}

void run(const Options& options) {
  if (options.runs < 3 || options.runs > 1000) throw UsageError("--runs is {}, expected 3 to 1000", options.runs);
  const auto began = Clock::now();
  const auto model = open_model(options.model);
  const ModelConfig& config = model->config();
  // A model trained for fewer tokens is measured on as many as it has.
  const int prompt = std::min(kPromptTokens, config.context), decode = std::min(kDecodeTokens, config.context);
  Session session(model, options.threads, std::max(prompt, decode));
  const double load_s = seconds_since(began);

  Rng rng(1);
  std::vector<int32_t> tokens(static_cast<size_t>(std::max(prompt, decode)));
  for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(static_cast<uint64_t>(config.vocab)));

  const InterruptGuard guard;
  const auto check = [] {
    throw_if_interrupted();
    return false;
  };
  Progress progress("bench", 2 * (options.runs + 1), "");
  int done = 0;
  const Speed prefill = measure(
      prompt, options.runs,
      [&] {
        session.truncate(0);
        session.run_to(std::span(tokens).first(static_cast<size_t>(prompt)), check);
      },
      progress, done);
  const Speed decoding = measure(
      decode, options.runs,
      [&] {
        session.truncate(0);
        for (int i = 0; i < decode; ++i) {
          check();
          session.append(std::span(tokens).subspan(static_cast<size_t>(i), 1), Logits::last_row);
        }
      },
      progress, done);

  const std::string_view kernels = active_kernels().name;
  if (options.json) {
    print(to_line({{"model", model_title(options.model)},
                   {"parameters", model->parameters()},
                   {"weight_bytes", model->weight_bytes()},
                   {"threads", options.threads},
                   {"kernels", kernels},
                   {"runs", options.runs},
                   {"pp512", prefill.median},
                   {"pp512_min", prefill.slowest},
                   {"pp512_max", prefill.fastest},
                   {"pp512_tokens", prefill.tokens},
                   {"tg128", decoding.median},
                   {"tg128_min", decoding.slowest},
                   {"tg128_max", decoding.fastest},
                   {"tg128_tokens", decoding.tokens},
                   {"load_s", load_s},
                   {"peak_memory_bytes", peak_memory_bytes()}}) +
          "\n");
    return;
  }
  print(
      fmt::format("{}: {} parameters, {}B of weights, {} threads, {} kernels, median of {} runs (slowest to fastest)\n",
                  model_title(options.model), short_count(static_cast<double>(model->parameters())),
                  short_count(static_cast<double>(model->weight_bytes())), options.threads, kernels, options.runs));
  print(table_line("prefill", prefill));
  print(table_line("decode", decoding));
  print(fmt::format("{:<24}{:>10.3f} s\n", "load", load_s));
  print(fmt::format("{:<24}{:>10}B\n", "peak memory", short_count(static_cast<double>(peak_memory_bytes()))));
}

}  // namespace

void add_bench(CLI::App& app) {
  add_command<Options>(app, "bench", "Measure prefill and decode speed, load time and memory",
                       "  bantam bench -m model.gguf -t 2\n"
                       "  bantam bench -m model.gguf -t 2 --json\n",
                       declare, run);
}

}  // namespace bantam
