#include "text/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/utf8.h"
#include "text/cased_letters.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr char32_t kInvalidByte = 0x110000;

struct Char {
  char32_t value;
  uint8_t bytes;
  CharClass kind;

  bool letter() const { return kind == CharClass::letter; }
  bool number() const { return kind == CharClass::number; }
  bool space() const { return kind == CharClass::space; }
  bool other() const { return kind == CharClass::other; }
  bool newline() const { return value == '\n' || value == '\r'; }
};

using Chars = std::span<const Char>;

std::vector<Char> classify(std::string_view text) {
  std::vector<Char> chars;
  chars.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += chars.back().bytes) {
    if (const auto byte = static_cast<uint8_t>(text[at]); byte < 0x80) {
      chars.push_back({byte, 1, char_class(byte)});
    } else if (const auto next = decode_utf8(text.substr(at))) {
      chars.push_back({next->value, static_cast<uint8_t>(next->bytes), char_class(next->value)});
    } else {
      chars.push_back({kInvalidByte, 1, CharClass::other});
    }
  }
  return chars;
}

// Number of characters from `begin` on for which `f` holds.
template <class F>
size_t run(Chars chars, size_t begin, F f) {
  size_t end = begin;
  while (end < chars.size() && f(chars[end])) ++end;
  return end - begin;
}

// What a scanner found at the start of the text it was given: `length` characters, at least one, that are a word, or
// that belong to no word of this stage (they stay together with what comes before and after them).
struct Step {
  size_t length;
  bool is_word = true;
};

// 's 't 'm 'd 're 've 'll: characters taken, or 0.
size_t contraction(Chars chars, bool any_case) {
  if (chars[0].value != '\'' || chars.size() < 2) return 0;
  const auto lower = [&](size_t i) {
    const char32_t c = chars[i].value;
    return any_case && c >= 'A' && c <= 'Z' ? c + 32 : c;
  };
  const char32_t first = lower(1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (chars.size() < 3) return 0;
  const char32_t second = lower(2);
  const bool taken = (second == 'e' && (first == 'r' || first == 'v')) || (second == 'l' && first == 'l');
  return taken ? 3 : 0;
}

// \s+(?!\S)|\s+ on a run of `spaces`: the last one is left to the word that follows.
size_t without_last(size_t spaces, bool at_end) { return spaces > 1 && !at_end ? spaces - 1 : spaces; }

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+            (GPT-2 release, encoder.py)
Step gpt2_word(Chars chars) {
  if (const size_t taken = contraction(chars, false)) return {taken};
  const size_t lead = chars[0].value == ' ' && chars.size() > 1 ? 1 : 0;
  if (!chars[lead].space()) {
    const CharClass kind = chars[lead].kind;
    return {lead + run(chars, lead, [&](const Char& c) { return c.kind == kind; })};
  }
  const size_t spaces = run(chars, 0, [](const Char& c) { return c.space(); });
  return {without_last(spaces, spaces == chars.size())};
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
// \s+(?!\S)|\s+             (tokenizer.json of Llama 3, digits = 3, and of Qwen 2, digits = 1)
template <size_t digits>
Step llama3_word(Chars chars) {
  if (const size_t taken = contraction(chars, true)) return {taken};
  const Char first = chars[0];
  const auto letters_from = [&](size_t i) { return run(chars, i, [](const Char& c) { return c.letter(); }); };
  if (first.letter()) return {letters_from(0)};
  if (first.number())
    return {run(chars.first(std::min(digits, chars.size())), 0, [](const Char& c) { return c.number(); })};
  if (!first.newline() && chars.size() > 1 && chars[1].letter()) return {1 + letters_from(1)};

  const size_t lead = first.value == ' ' && chars.size() > 1 ? 1 : 0;
  if (chars[lead].other()) {
    const size_t symbols = lead + run(chars, lead, [](const Char& c) { return c.other(); });
    return {symbols + run(chars, symbols, [](const Char& c) { return c.newline(); })};
  }
  const size_t spaces = run(chars, 0, [](const Char& c) { return c.space(); });
  for (size_t end = spaces; end > 0; --end) {
    if (chars[end - 1].newline()) return {end};
  }
  return {without_last(spaces, spaces == chars.size())};
}

Step single_number(Chars chars) { return {1, chars[0].number()}; }

// The stages of deepseek-llm's tokenizer.json.
Step newline(Chars chars) { return {1, chars[0].newline()}; }

// \s?[class]+
template <class F>
Step class_after_space(Chars chars, F in_class) {
  const size_t lead = chars[0].space() && chars.size() > 1 ? 1 : 0;
  const size_t length = run(chars, lead, in_class);
  return length > 0 ? Step{lead + length} : Step{1, false};
}

Step cased_letters(Chars chars) {
  return class_after_space(chars, [](const Char& c) { return is_deepseek_letter(c.value); });
}

Step punctuation(Chars chars) {
  return class_after_space(chars, [](const Char& c) {
    const char32_t v = c.value;
    return (v >= 0x21 && v <= 0x2F) || (v >= 0x3A && v <= 0x7E) || (v >= 0xFF01 && v <= 0xFF0F) ||
           (v >= 0xFF1A && v <= 0xFF5E) || (v >= 0x2018 && v <= 0x201F) || (v >= 0x3000 && v <= 0x3002);
  });
}

Step trailing_space(Chars chars) {
  const size_t spaces = run(chars, 0, [](const Char& c) { return c.space(); });
  return spaces == 0 ? Step{1, false} : Step{spaces, spaces == chars.size()};
}

Step east_asian(Chars chars) {
  const size_t length = run(chars, 0, [](const Char& c) {
    return (c.value >= 0x0800 && c.value <= 0x9FA5) || (c.value >= 0xAC00 && c.value <= 0xD7FF);
  });
  return length > 0 ? Step{length} : Step{1, false};
}

Step number_run(Chars chars) {
  const size_t length = run(chars, 0, [](const Char& c) { return c.number(); });
  return length > 0 ? Step{length} : Step{1, false};
}

using Stage = Step (*)(Chars);

std::span<const Stage> stages_of(PreTokenizer kind) {
  static constexpr Stage kGpt2[] = {gpt2_word};
  static constexpr Stage kLlama3[] = {llama3_word<3>};
  static constexpr Stage kQwen2[] = {llama3_word<1>};
  static constexpr Stage kStarcoder[] = {single_number, gpt2_word};
  static constexpr Stage kDeepseekLlm[] = {newline, cased_letters, punctuation, trailing_space, east_asian, number_run};
  switch (kind) {
    case PreTokenizer::gpt2:
      return kGpt2;
    case PreTokenizer::llama3:
      return kLlama3;
    case PreTokenizer::qwen2:
      return kQwen2;
    case PreTokenizer::starcoder:
      return kStarcoder;
    case PreTokenizer::deepseek_llm:
      return kDeepseekLlm;
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

struct Name {
  std::string_view name;
  PreTokenizer kind;
};

constexpr Name kNames[] = {
    {"gpt-2", PreTokenizer::gpt2},
    {"phi-2", PreTokenizer::gpt2},
    {"llama-bpe", PreTokenizer::llama3},
    {"llama3", PreTokenizer::llama3},
    {"llama-v3", PreTokenizer::llama3},
    {"qwen2", PreTokenizer::qwen2},
    {"deepseek-r1-qwen", PreTokenizer::qwen2},
    {"starcoder", PreTokenizer::starcoder},
    {"refact", PreTokenizer::starcoder},
    {"smollm", PreTokenizer::starcoder},
    {"deepseek-llm", PreTokenizer::deepseek_llm},
};

}  // namespace

std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &Name::name);
  if (found == std::end(kNames)) return std::nullopt;
  return found->kind;
}

std::string pre_tokenizer_names() {
  std::string list;
  for (const Name& known : kNames) {
    if (!list.empty()) list += ", ";
    list += known.name;
  }
  return list;
}

std::vector<std::string_view> split_words(PreTokenizer kind, std::string_view text) {
  const std::vector<Char> chars = classify(text);
  std::vector<std::string_view> words;
  auto emit = [&](Chars word) {
    size_t bytes = 0;
    for (const Char& c : word) bytes += c.bytes;
    words.push_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  };
  cut(stages_of(kind), Chars(chars), emit);
  return words;
}

}  // namespace bantam
