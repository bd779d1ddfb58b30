// What many users of one engine see: engine_bench MODEL [threads] [kv format]
//   tokens per second with 1, 4 and 16 streams; time to the first token of 2,000 tokens, cold and after the same
//   prompt; the time between tokens of others while one sends a prompt of 4,000; decoding after 2,000 tokens against
//   after few.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "engine/engine.h"
#include "kernels/kernels.h"

namespace bantam {
namespace {

std::vector<int32_t> random_tokens(int count, uint64_t seed, int vocab) {
  Rng rng(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab)));
  return tokens;
}

Request request(const Engine& engine, int prompt, int max_tokens, uint64_t seed) {
  Request wanted;
  wanted.prompt = random_tokens(prompt, seed, engine.tokenizer().vocab_size());
  wanted.max_tokens = max_tokens;
  wanted.sampling.seed = seed;
  for (int32_t id = 0; id < engine.tokenizer().vocab_size(); ++id) {
    if (engine.tokenizer().is_end_of_generation(id)) wanted.sampling.logit_bias.emplace_back(id, -100.f);
  }
  return wanted;
}

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

// Seconds at which tokens came.
std::vector<double> read(Stream& stream, Clock::time_point from) {
  std::vector<double> times;
  while (true) {
    const Event event = *stream.next();
    if (!std::holds_alternative<TextEvent>(event)) return times;
    times.insert(times.end(), std::get<TextEvent>(event).tokens.size(), seconds_since(from));
  }
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}

// The median of three, and the least and most.
template <class Measure>
std::string median(Measure measure, const char* format) {
  std::vector<double> found;
  for (int i = 0; i < 3; ++i) found.push_back(measure(i));
  std::sort(found.begin(), found.end());
  return fmt::format(fmt::runtime(format), found[1], found[0], found[2]);
}

void throughput(Engine& engine) {
  constexpr int kTokens = 64;
  for (const int streams : {1, 4, 16}) {
    fmt::print("{:>2} streams     {}\n", streams,
               median(
                   [&](int run) {
                     const auto began = Clock::now();
                     std::vector<Stream> all;
                     for (int i = 0; i < streams; ++i) {
                       all.push_back(engine.submit(request(engine, 16, kTokens, static_cast<uint64_t>(run * 100 + i))));
                     }
                     for (Stream& stream : all) read(stream, began);
                     return streams * kTokens / seconds_since(began);
                   },
                   "{:8.1f} tokens/s ({:.1f} to {:.1f})"));
  }
}

void first_token(Engine& engine) {
  const auto time = [&](uint64_t seed) {
    const auto began = Clock::now();
    Stream stream = engine.submit(request(engine, 2000, 1, seed));
    return 1000 * read(stream, began).front();
  };
  fmt::print("first token of 2000 cold {}\n",
             median([&](int run) { return time(static_cast<uint64_t>(1000 + run)); }, "{:8.1f} ms ({:.1f} to {:.1f})"));
  fmt::print("first token of 2000 hit  {}\n",
             median([&](int run) { return time(static_cast<uint64_t>(1000 + run)); }, "{:8.1f} ms ({:.1f} to {:.1f})"));
}

void beside_a_prompt(Engine& engine) {
  for (const int prompt : {0, 4000}) {
    constexpr int kOthers = 4, kTokens = 200;
    const auto began = Clock::now();
    std::vector<Stream> others;
    for (int i = 0; i < kOthers; ++i) {
      others.push_back(engine.submit(request(engine, 16, kTokens, static_cast<uint64_t>(2000 + i))));
    }
    std::vector<std::vector<double>> times(kOthers);
    std::vector<std::thread> readers;
    for (int i = 0; i < kOthers; ++i) {
      readers.emplace_back([&, i] { times[static_cast<size_t>(i)] = read(others[static_cast<size_t>(i)], began); });
    }
    if (prompt > 0) {
      Stream stream = engine.submit(request(engine, prompt, 1, 3000));
      read(stream, began);
    }
    for (std::thread& reader : readers) reader.join();
    std::vector<double> gaps;
    for (const auto& of_one : times) {
      for (size_t i = 20; i < of_one.size(); ++i) gaps.push_back(1000 * (of_one[i] - of_one[i - 1]));
    }
    fmt::print("between tokens of 4, beside {:>4}: p50 {:.1f} ms, p99 {:.1f} ms\n", prompt, quantile(gaps, 0.5),
               quantile(gaps, 0.99));
  }
}

void long_context(Engine& engine) {
  const auto rate = [&](int prompt) {
    return median(
        [&](int run) {
          const auto began = Clock::now();
          Stream stream = engine.submit(request(engine, prompt, 64, static_cast<uint64_t>(4000 + run)));
          const std::vector<double> times = read(stream, began);
          return static_cast<double>(times.size() - 1) / (times.back() - times.front());
        },
        "{:8.1f} tokens/s ({:.1f} to {:.1f})");
  };
  fmt::print("decode after   16 {}\n", rate(16));
  fmt::print("decode after 2048 {}\n", rate(2048));
}

}  // namespace
}  // namespace bantam

int main(int argc, char** argv) {
  using namespace bantam;
  if (argc < 2) {
    fmt::print(stderr, "usage: engine_bench MODEL [threads] [f32|f16|q8_0]\n");
    return 2;
  }
  EngineOptions options;
  options.context = 4096;
  options.cache_tokens = 16 * 1024;
  options.speculation = false;  // random prompts: what is measured is the plain step
  if (argc > 2) options.threads = std::atoi(argv[2]);
  if (argc > 3) options.cache_format = dtype_from_name(argv[3]).value();
  Engine engine(Model::load(argv[1]), options);
  fmt::print("{}: {} threads, {} kernels, keys and values in {}\n", argv[1], options.threads, active_kernels().name,
             traits(options.cache_format).name);
  throughput(engine);
  long_context(engine);
  first_token(engine);
  beside_a_prompt(engine);
}
