#include "text/pre_tokenizer.h"

#include <algorithm>
#include <span>

#include "text/word_scanners.h"

namespace bantam {
namespace {

using Contraction = WordRules::Contraction;

std::span<const Stage> stages_of(PreTokenizer kind) {
  static constexpr Stage kFallback[] = {ascii_symbols, gpt2_word, number_run, three_ascii_digits};
  static constexpr Stage kGpt2[] = {gpt2_word};
  static constexpr Stage kStarcoder[] = {single_number, gpt2_word};
  static constexpr Stage kFalcon[] = {ascii_symbols_or_grave, gpt2_word, three_ascii_digits};
  static constexpr Stage kBloom[] = {unpunctuated};
  static constexpr Stage kViking[] = {unpunctuated, single_number};
  static constexpr Stage kLlama3[] = {word<WordRules{.digits = 3}>};
  static constexpr Stage kQwen2[] = {word<WordRules{}>};
  static constexpr Stage kQwen35[] = {word<WordRules{.marks = true}>};
  static constexpr Stage kSeedCoder[] = {word<WordRules{.symbols_take_newlines = false}>};
  static constexpr Stage kUfakzeka[] = {word<WordRules{.contraction = Contraction::none}>};
  static constexpr Stage kMinicpm5[] = {three_numbers, word<WordRules{.digits = 3}>};
  static constexpr Stage kLaguna[] = {line_or_line_feeds, word<WordRules{}>};
  static constexpr Stage kTekken[] = {
      word<WordRules{.contraction = Contraction::none, .cased = true, .symbols_take_slashes = true}>};
  static constexpr Stage kGpt4o[] = {
      word<WordRules{.digits = 3, .contraction = Contraction::suffix, .cased = true, .symbols_take_slashes = true}>};
  static constexpr Stage kKimiK2[] = {
      word<WordRules{.digits = 3, .contraction = Contraction::suffix, .cased = true, .han_apart = true}>};
  static constexpr Stage kDeepseekLlm[] = {newline,        spaced_cased_letters, spaced_wide_punctuation,
                                           trailing_space, east_asian,           number_run};
  static constexpr Stage kDeepseekCoder[] = {newline, spaced_letters, spaced_punctuation, east_asian, single_number};
  static constexpr Stage kDeepseekV3[] = {three_numbers, han_or_kana, deepseek3_word};
  switch (kind) {
    case PreTokenizer::fallback:
      return kFallback;
    case PreTokenizer::gpt2:
      return kGpt2;
    case PreTokenizer::starcoder:
      return kStarcoder;
    case PreTokenizer::falcon:
      return kFalcon;
    case PreTokenizer::bloom:
      return kBloom;
    case PreTokenizer::viking:
      return kViking;
    case PreTokenizer::llama3:
      return kLlama3;
    case PreTokenizer::qwen2:
      return kQwen2;
    case PreTokenizer::qwen35:
      return kQwen35;
    case PreTokenizer::seed_coder:
      return kSeedCoder;
    case PreTokenizer::ufakzeka:
      return kUfakzeka;
    case PreTokenizer::minicpm5:
      return kMinicpm5;
    case PreTokenizer::laguna:
      return kLaguna;
    case PreTokenizer::tekken:
      return kTekken;
    case PreTokenizer::gpt4o:
      return kGpt4o;
    case PreTokenizer::kimi_k2:
      return kKimiK2;
    case PreTokenizer::deepseek_llm:
      return kDeepseekLlm;
    case PreTokenizer::deepseek_coder:
      return kDeepseekCoder;
    case PreTokenizer::deepseek_v3:
      return kDeepseekV3;
  }
  return {};
}

// Cuts `chars` with the first stage, each part with the next, and so on; calls emit(part) for what comes out.
template <class Emit>
void cut(std::span<const Stage> stages, Chars chars, Emit& emit) {
  if (stages.empty()) return emit(chars);
  size_t begin = 0, at = 0;
  const auto pass_on = [&](size_t end) {
    if (end > begin) cut(stages.subspan(1), chars.subspan(begin, end - begin), emit);
    begin = end;
  };
  while (at < chars.size()) {
    const Step step = stages[0](chars.subspan(at));
    if (step.is_word) pass_on(at);
    at += step.length;
    if (step.is_word) pass_on(at);
  }
  pass_on(at);
}

constexpr NamedPreTokenizer kNames[] = {
    {"default", PreTokenizer::fallback},
    {"gpt-2", PreTokenizer::gpt2},
    {"phi-2", PreTokenizer::gpt2},
    {"mpt", PreTokenizer::gpt2},
    {"olmo", PreTokenizer::gpt2},
    {"jais", PreTokenizer::gpt2},
    {"trillion", PreTokenizer::gpt2},
    {"granite-docling", PreTokenizer::gpt2},
    {"gigachat", PreTokenizer::gpt2},
    {"exaone4", PreTokenizer::gpt2},
    {"a.x-4.0", PreTokenizer::gpt2},
    {"mellum", PreTokenizer::gpt2},
    {"modern-bert", PreTokenizer::gpt2},
    {"roberta-bpe", PreTokenizer::gpt2},
    {"jina-es", PreTokenizer::gpt2},
    {"jina-de", PreTokenizer::gpt2},
    {"jina-v1-en", PreTokenizer::gpt2},
    {"jina-v2-es", PreTokenizer::gpt2},
    {"jina-v2-de", PreTokenizer::gpt2},
    {"jina-v2-code", PreTokenizer::gpt2},
    {"starcoder", PreTokenizer::starcoder},
    {"refact", PreTokenizer::starcoder},
    {"command-r", PreTokenizer::starcoder},
    {"smollm", PreTokenizer::starcoder},
    {"codeshell", PreTokenizer::starcoder},
    {"exaone", PreTokenizer::starcoder},
    {"minerva-7b", PreTokenizer::starcoder},
    {"mellum2", PreTokenizer::starcoder},
    {"falcon", PreTokenizer::falcon},
    {"bloom", PreTokenizer::bloom},
    {"poro-chat", PreTokenizer::bloom},
    {"gpt3-finnish", PreTokenizer::bloom},
    {"viking", PreTokenizer::viking},
    {"llama-bpe", PreTokenizer::llama3, true, true},
    {"llama3", PreTokenizer::llama3, true, true},
    {"llama-v3", PreTokenizer::llama3, true, true},
    {"falcon3", PreTokenizer::llama3, true, true},
    {"falcon-h1", PreTokenizer::llama3, true, true},
    {"pixtral", PreTokenizer::llama3, true, true},
    {"midm-2.0", PreTokenizer::llama3, true, true},
    {"lfm2", PreTokenizer::llama3, true, true},
    {"jina-v5-nano", PreTokenizer::llama3, true, true},
    {"dbrx", PreTokenizer::llama3},
    {"smaug-bpe", PreTokenizer::llama3},
    {"glm4", PreTokenizer::llama3},
    {"chatglm-bpe", PreTokenizer::llama3},
    {"qwen2", PreTokenizer::qwen2},
    {"deepseek-r1-qwen", PreTokenizer::qwen2},
    {"stablelm2", PreTokenizer::qwen2},
    {"hunyuan", PreTokenizer::qwen2},
    {"megrez", PreTokenizer::qwen2},
    {"grok-2", PreTokenizer::qwen2},
    {"solar-open", PreTokenizer::qwen2},
    {"kormo", PreTokenizer::qwen2},
    {"f2llmv2", PreTokenizer::qwen2},
    {"bailingmoe", PreTokenizer::qwen2},
    {"bailingmoe2", PreTokenizer::qwen2},
    {"llada-moe", PreTokenizer::qwen2},
    {"qwen35", PreTokenizer::qwen35},
    {"seed-coder", PreTokenizer::seed_coder},
    {"ufakzeka", PreTokenizer::ufakzeka},
    {"minicpm5", PreTokenizer::minicpm5, true},
    {"laguna", PreTokenizer::laguna},
    {"tekken", PreTokenizer::tekken, true, true},
    {"gpt-4o", PreTokenizer::gpt4o},
    {"llama4", PreTokenizer::gpt4o},
    {"kanana2", PreTokenizer::gpt4o},
    {"talkie", PreTokenizer::gpt4o},
    {"minimax-m2", PreTokenizer::gpt4o},
    {"granite-embed-multi-97m", PreTokenizer::gpt4o, true},
    {"kimi-k2", PreTokenizer::kimi_k2},
    {"deepseek-llm", PreTokenizer::deepseek_llm},
    {"deepseek-coder", PreTokenizer::deepseek_coder},
    {"deepseek-v3", PreTokenizer::deepseek_v3},
    {"hunyuan-dense", PreTokenizer::deepseek_v3},
    {"joyai-llm", PreTokenizer::deepseek_v3},
    {"hy_v4", PreTokenizer::deepseek_v3},
};

}  // namespace

std::optional<NamedPreTokenizer> find_pre_tokenizer(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &NamedPreTokenizer::name);
  if (found == std::end(kNames)) return std::nullopt;
  return *found;
}

std::vector<std::string_view> split_words(PreTokenizer kind, std::string_view text) {
  const std::vector<Char> chars = classify(text);
  std::vector<std::string_view> words;
  auto emit = [&](Chars part) {
    size_t bytes = 0;
    for (const Char& c : part) bytes += c.bytes;
    words.push_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  };
  cut(stages_of(kind), Chars(chars), emit);
  return words;
}

}  // namespace bantam
