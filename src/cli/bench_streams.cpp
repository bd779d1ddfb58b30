#include "cli/bench_streams.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "cli/interrupt.h"
#include "engine/memory.h"
#include "model/kv_cache.h"

namespace bantam {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(2);

Request request(const Tokenizer& tokenizer, int prompt, int tokens, Rng& rng) {
  Request request;
  for (int i = 0; i < prompt; ++i) {
    request.prompt.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(tokenizer.vocab_size()))));
  }
  request.max_tokens = tokens;
  request.sampling.temperature = 0;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {  // none ends early
    if (tokenizer.is_end_of_generation(id)) request.sampling.logit_bias.emplace_back(id, -100.f);
  }
  return request;
}

struct Text {
  Stream stream;
  int tokens = 0;
  bool ended = false;
};

void look(Text& text) {
  while (const std::optional<Event> event = text.stream.try_next()) {
    if (const auto* part = std::get_if<TextEvent>(&*event)) {
      text.tokens += static_cast<int>(part->tokens.size());
    } else {
      text.ended = true;
    }
  }
}

}  // namespace

double streams_rate(const std::shared_ptr<const Model>& model, int threads, DType cache_format, int streams, int prompt,
                    int tokens) {
  const int context = prompt + tokens;
  const int cache_tokens = streams * ((context + kPageTokens) / kPageTokens + 1) * kPageTokens;
  const uint64_t needed = KvPool::bytes_for(model->config(), cache_tokens, cache_format), free = available_memory();
  if (needed > free) {
    throw UsageError("--streams {}: their contexts need {} MB, but only {} are free; take fewer, or --kv q8_0", streams,
                     needed / 1'000'000, free / 1'000'000);
  }
  Engine engine(model, {.threads = threads,
                        .context = context,
                        .cache_format = cache_format,
                        .cache_tokens = cache_tokens,
                        .most_running = streams,
                        .most_waiting = streams,
                        .most_events = tokens + 1});
  std::vector<Text> texts;
  const auto begin = [&](int most) {
    Rng rng(1);
    texts.clear();
    for (int i = 0; i < streams; ++i) {
      texts.push_back({engine.submit(request(engine.tokenizer(), prompt, most, rng))});
    }
  };
  // The prompts run once before, so that the texts begin together.
  begin(1);
  for (Text& text : texts) {
    while (!text.ended) {
      throw_if_interrupted();
      look(text);
      std::this_thread::sleep_for(kLookEvery);
    }
  }
  std::pair begun{Clock::now(), 0};
  bool all_begun = false;
  begin(tokens);
  const auto written = [&] {
    int sum = 0;
    for (const Text& text : texts) sum += text.tokens;
    return sum;
  };
  for (;;) {
    throw_if_interrupted();
    for (Text& text : texts) look(text);
    const auto now = Clock::now();
    if (std::ranges::any_of(texts, &Text::ended)) {
      return (written() - begun.second) / std::chrono::duration<double>(now - begun.first).count();
    }
    if (!all_begun && std::ranges::all_of(texts, [](const Text& text) { return text.tokens > 0; })) {
      all_begun = true;
      begun = {now, written()};
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace bantam
