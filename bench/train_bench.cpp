// Prints how fast a training step is: bench/train.sh runs it beside eager PyTorch on the same model.
//   train_bench --dim 256 --steps 8        one JSON line: median tokens/s and GFLOP/s of the steps after the first two
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "train/trainer.h"

namespace {

using namespace bantam;

constexpr int kWarmupSteps = 2;

// Random documents of one row each, so that attention works on full rows as it does in the PyTorch program.
std::filesystem::path write_random_tokens(int vocab, int length, int documents) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("bantam-train-bench-{}.tokens", ::getpid());
  TokenFileWriter writer(path, vocab, "random");
  Rng rng(1);
  std::vector<int32_t> tokens(static_cast<size_t>(length) + 1);
  for (int d = 0; d < documents; ++d) {
    for (int32_t& t : tokens) t = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab)));
    writer.add(tokens, {}, tokens.size());
  }
  writer.commit();
  return path;
}

int64_t number(const std::map<std::string, std::string>& flags, const std::string& name, int64_t fallback) {
  const auto found = flags.find("--" + name);
  return found == flags.end() ? fallback : std::stoll(found->second);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const std::map<std::string, std::string>& flags) {
  Recipe recipe;
  recipe.data = {"random"};
  recipe.vocab_size = number(flags, "vocab", 8192);
  recipe.dim = number(flags, "dim", 256);
  recipe.layers = number(flags, "layers", 8);
  recipe.heads = recipe.dim / 64;
  recipe.context = number(flags, "context", 512);
  recipe.batch_tokens = recipe.context * number(flags, "rows", 8);
  recipe.micro_tokens = std::min(recipe.batch_tokens, recipe.context * number(flags, "micro-rows", 8));
  recipe.steps = number(flags, "steps", 8) + kWarmupSteps;
  recipe.matmul = flags.contains("--matmul") ? flags.at("--matmul") : "f32";
  recipe.weights = flags.contains("--weights") ? flags.at("--weights") : "f32";
  validate(recipe);
  const auto threads = static_cast<int>(number(flags, "threads", available_cpus()));

  const auto vocab = static_cast<int>(recipe.vocab_size);
  const auto path = write_random_tokens(vocab, static_cast<int>(recipe.context), 64);
  std::vector<DataSource> sources;
  sources.push_back({TokenFile(path), 1});
  std::filesystem::remove(path);  // stays mapped
  ThreadPool pool(threads);
  Trainer trainer(recipe, model_config(recipe, vocab),
                  DataStream(std::move(sources), static_cast<int>(recipe.context), 1), {}, "random", pool);
  std::vector<double> gflops, tokens_per_s;
  for (int64_t s = 0; s < recipe.steps; ++s) {
    const StepReport report = trainer.step();
    if (s < kWarmupSteps) continue;
    gflops.push_back(report.gflops);
    tokens_per_s.push_back(report.tokens_per_s);
  }
  fmt::print(R"({{"program": "bantam", "dim": {}, "layers": {}, "parameters": {}, "threads": {}, "matmul": "{}", )"
             R"("gflops": {:.1f}, "gflops_min": {:.1f}, "gflops_max": {:.1f}, "tokens_per_s": {:.0f}}})"
             "\n",
             recipe.dim, recipe.layers, trainer.parameters().count(), threads, recipe.matmul, median(gflops),
             *std::min_element(gflops.begin(), gflops.end()), *std::max_element(gflops.begin(), gflops.end()),
             median(tokens_per_s));
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  try {
    run(flags);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_bench: {}\n", error.what());
    return 2;
  }
}
