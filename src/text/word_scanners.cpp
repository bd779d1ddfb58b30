#include "text/word_scanners.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/cased_letters.h"

namespace bantam {
namespace {

constexpr char32_t kInvalidByte = 0x110000;

struct Range {
  char32_t first, last;
};

bool in_ranges(char32_t c, std::span<const Range> sorted) {
  const auto after = std::ranges::upper_bound(sorted, c, {}, &Range::first);
  return after != sorted.begin() && c <= std::prev(after)->last;
}

bool is_letter(const Char& c) { return c.letter(); }
bool is_number(const Char& c) { return c.number(); }
bool is_space(const Char& c) { return c.space(); }
bool is_newline(const Char& c) { return c.newline(); }
bool is_punctuation(const Char& c) { return c.traits & trait::kPunctuation; }
bool is_ascii_letter(const Char& c) { return c.value < 0x80 && c.letter(); }
bool is_ascii_digit(const Char& c) { return c.value >= '0' && c.value <= '9'; }
bool is_letter_or_mark(const Char& c) { return c.letter() || c.mark(); }
bool is_graphic_symbol(const Char& c) { return c.traits & (trait::kPunctuation | trait::kSymbol); }

// [class]+
template <class F>
Step class_run(Chars chars, F in_class) {
  const size_t length = run(chars, 0, in_class);
  return length > 0 ? Step{length} : Step{1, false};
}

// \s?[class]+
template <class F>
Step class_after_space(Chars chars, F in_class) {
  const size_t lead = chars[0].space() && chars.size() > 1 ? 1 : 0;
  const size_t length = run(chars, lead, in_class);
  return length > 0 ? Step{lead + length} : Step{1, false};
}

// \s+(?!\S)|\s+ on a run of `spaces`: the last one is left to the word that follows.
size_t without_last(size_t spaces, bool at_end) { return spaces > 1 && !at_end ? spaces - 1 : spaces; }

}  // namespace

std::vector<Char> classify(std::string_view text) {
  std::vector<Char> chars;
  chars.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += chars.back().bytes) {
    if (const auto byte = static_cast<uint8_t>(text[at]); byte < 0x80) {
      chars.push_back({byte, 1, char_traits(byte)});
    } else if (const auto next = decode_utf8(text.substr(at))) {
      chars.push_back({next->value, static_cast<uint8_t>(next->bytes), char_traits(next->value)});
    } else {
      chars.push_back({kInvalidByte, 1, trait::kSymbol});
    }
  }
  return chars;
}

bool is_han(const Char& c) {
  // Scripts.txt of Unicode 15
  static constexpr Range kHan[] = {{0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},
                                   {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},
                                   {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
                                   {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739}, {0x2B740, 0x2B81D},
                                   {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
                                   {0x31350, 0x323AF}};
  return c.value >= 0x2E80 && in_ranges(c.value, kHan);
}

size_t contraction(Chars chars, bool any_case) {
  if (chars.size() < 2 || chars[0].value != '\'') return 0;
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

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+            (GPT-2 release, encoder.py)
Step gpt2_word(Chars chars) {
  if (const size_t taken = contraction(chars, false)) return {taken};
  const size_t lead = chars[0].value == ' ' && chars.size() > 1 ? 1 : 0;
  const Char& kind = chars[lead];
  if (kind.letter()) return {lead + run(chars, lead, is_letter)};
  if (kind.number()) return {lead + run(chars, lead, is_number)};
  if (kind.other()) return {lead + run(chars, lead, [](const Char& c) { return c.other(); })};
  const size_t spaces = run(chars, 0, is_space);
  return {without_last(spaces, spaces == chars.size())};
}

// With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and L = [\p{Ll}\p{Lm}\p{Lo}\p{M}], both without Han where that stands apart:
// [^\r\n\p{L}\p{N}]?U*L+|[^\r\n\p{L}\p{N}]?U+L*             (tokenizer.json of GPT-4o and of Mistral NeMo)
size_t cased_word(Chars chars, bool han_apart) {
  const auto is_any = [&](const Char& c, uint8_t traits) { return c.traits & traits && !(han_apart && is_han(c)); };
  const auto upper = [&](const Char& c) { return is_any(c, trait::kUpper | trait::kCaseless | trait::kMark); };
  const auto lower = [&](const Char& c) { return is_any(c, trait::kLower | trait::kCaseless | trait::kMark); };
  // U*L+ from `begin` on, its end; U* gives back what L+ needs. 0 when there is none.
  const auto end_in_lower = [&](size_t begin) -> size_t {
    size_t end = begin + run(chars, begin, upper);
    if (end < chars.size() && lower(chars[end])) return end + run(chars, end, lower);
    while (end > begin && !lower(chars[end - 1])) --end;
    return end > begin ? end : 0;
  };
  const Char first = chars[0];
  const size_t lead = !first.newline() && !first.letter() && !first.number() ? 1 : 0;
  if (const size_t end = end_in_lower(lead)) return end;
  if (lead && first.mark()) return end_in_lower(0);
  const size_t capitals = run(chars, lead, upper);
  return capitals > 0 ? lead + capitals : 0;
}

Step space_run(Chars chars) {
  const size_t spaces = run(chars, 0, is_space);
  for (size_t end = spaces; end > 0; --end) {
    if (chars[end - 1].newline()) return {end};
  }
  return {without_last(spaces, spaces == chars.size())};
}

Step single_number(Chars chars) { return {1, chars[0].number()}; }

Step three_numbers(Chars chars) { return class_run(chars.first(std::min<size_t>(3, chars.size())), is_number); }

Step three_ascii_digits(Chars chars) {
  const bool found = chars.size() >= 3 && std::ranges::all_of(chars.first(3), is_ascii_digit);
  return found ? Step{3} : Step{1, false};
}

Step number_run(Chars chars) { return class_run(chars, is_number); }

Step newline(Chars chars) { return {1, chars[0].newline()}; }

Step line_or_line_feeds(Chars chars) {
  const bool feeds = chars[0].value == '\n';
  return {run(chars, 0, [&](const Char& c) { return (c.value == '\n') == feeds; })};
}

Step spaced_letters(Chars chars) { return class_after_space(chars, is_letter); }

Step spaced_cased_letters(Chars chars) {
  return class_after_space(chars, [](const Char& c) { return is_deepseek_letter(c.value); });
}

Step spaced_punctuation(Chars chars) { return class_after_space(chars, is_punctuation); }

Step spaced_wide_punctuation(Chars chars) {
  static constexpr Range kRanges[] = {{0x21, 0x2F},     {0x3A, 0x7E},     {0x2018, 0x201F},
                                      {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}};
  return class_after_space(chars, [](const Char& c) { return in_ranges(c.value, kRanges); });
}

Step trailing_space(Chars chars) {
  const size_t spaces = run(chars, 0, is_space);
  return spaces == 0 ? Step{1, false} : Step{spaces, spaces == chars.size()};
}

Step east_asian(Chars chars) {
  return class_run(chars, [](const Char& c) {
    return (c.value >= 0x0800 && c.value <= 0x9FA5) || (c.value >= 0xAC00 && c.value <= 0xD7FF);
  });
}

Step han_or_kana(Chars chars) {
  return class_run(chars, [](const Char& c) {
    return (c.value >= 0x4E00 && c.value <= 0x9FA5) || (c.value >= 0x3040 && c.value <= 0x30FF);
  });
}

Step ascii_symbols(Chars chars) {
  return class_run(chars, [](const Char& c) {
    return is_punctuation(c) || (c.value < 0x80 && c.traits & trait::kSymbol && c.value != '`');
  });
}

Step ascii_symbols_or_grave(Chars chars) {
  return class_run(chars,
                   [](const Char& c) { return is_punctuation(c) || (c.value < 0x80 && c.traits & trait::kSymbol); });
}

Step unpunctuated(Chars chars) {
  static constexpr std::u32string_view kOutside = U"(|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)";
  const size_t lead = chars[0].value == ' ' && chars.size() > 1 ? 1 : 0;
  const size_t length =
      run(chars, lead, [](const Char& c) { return !c.space() && kOutside.find(c.value) == kOutside.npos; });
  return length > 0 ? Step{lead + length} : Step{1, false};
}

// [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//                                                                                    (tokenizer.json of DeepSeek V3)
Step deepseek3_word(Chars chars) {
  const Char first = chars[0];
  const auto next_is = [&](auto f) { return chars.size() > 1 && f(chars[1]); };
  if (first.value < 0x80 && is_graphic_symbol(first) && next_is(is_ascii_letter)) {
    return {1 + run(chars, 1, is_ascii_letter)};
  }
  if (is_letter_or_mark(first)) return {run(chars, 0, is_letter_or_mark)};
  if (!first.newline() && !is_graphic_symbol(first) && next_is(is_letter_or_mark)) {
    return {1 + run(chars, 1, is_letter_or_mark)};
  }
  const size_t lead = first.value == ' ' && chars.size() > 1 ? 1 : 0;
  if (const size_t symbols = run(chars, lead, is_graphic_symbol)) {
    return {lead + symbols + run(chars, lead + symbols, is_newline)};
  }
  return first.space() ? space_run(chars) : Step{1, false};
}

}  // namespace bantam
