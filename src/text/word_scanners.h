// The scanners that pre-tokenizers are put together from (pre_tokenizer.cpp): each does at one place of a text what one
// published regular expression does there, looking at every character a bounded number of times.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace bantam {

struct Char {
  char32_t value;  // 0x110000 for a byte that is not UTF-8
  uint8_t bytes;
  uint8_t traits;

  bool letter() const { return traits & trait::kLetter; }
  bool mark() const { return traits & trait::kMark; }
  bool number() const { return traits & trait::kNumber; }
  bool space() const { return traits & trait::kSpace; }
  bool other() const { return !(traits & (trait::kLetter | trait::kNumber | trait::kSpace)); }  // [^\s\p{L}\p{N}]
  bool newline() const { return value == '\n' || value == '\r'; }
};

using Chars = std::span<const Char>;

std::vector<Char> classify(std::string_view text);

// What a scanner found at the start of the text it was given: `length` characters, at least one, that are a word, or
// that belong to no word of this stage (they stay together with what comes before and after them).
struct Step {
  size_t length;
  bool is_word = true;
};

// Cuts a text, whose words the next stage cuts further.
using Stage = Step (*)(Chars);

// What differs between the expressions that descend from the one of GPT-4:
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
//   \s+(?!\S)|\s+
struct WordRules {
  enum class Contraction : uint8_t { none, apart, suffix };  // 've is a word, or ends the word before it

  size_t digits = 1;
  Contraction contraction = Contraction::apart;
  bool cased = false;      // a word is capitals and then small letters; marks are both, as are letters without case
  bool marks = false;      // a mark is a letter, not a symbol
  bool han_apart = false;  // \p{Han}+ is a word, and no part of another
  bool symbols_take_newlines = true;
  bool symbols_take_slashes = false;  // [\r\n/]*
};

template <WordRules rules>
Step word(Chars chars);

Step gpt2_word(Chars chars);

Step single_number(Chars chars);            // \p{N}
Step three_numbers(Chars chars);            // \p{N}{1,3}
Step three_ascii_digits(Chars chars);       // [0-9]{3}
Step number_run(Chars chars);               // \p{N}+
Step newline(Chars chars);                  // [\r\n]
Step line_or_line_feeds(Chars chars);       // [^\n]+|\n+
Step spaced_letters(Chars chars);           // \s?\p{L}+
Step spaced_cased_letters(Chars chars);     // \s?[class]+, the class of is_deepseek_letter()
Step spaced_punctuation(Chars chars);       // \s?\p{P}+
Step spaced_wide_punctuation(Chars chars);  // \s?[!-/:-~！-／：-～‘-‟　-。]+
Step trailing_space(Chars chars);           // \s+$
Step east_asian(Chars chars);               // [一-龥ࠀ-一가-퟿]+
Step han_or_kana(Chars chars);              // [一-龥぀-ゟ゠-ヿ]+
Step ascii_symbols(Chars chars);            // [\p{P}\$\+<=>\^~\|]+
Step ascii_symbols_or_grave(Chars chars);   // [\p{P}\$\+<=>\^~\|`]+
Step unpunctuated(Chars chars);             //  ?[^(\s|.,!?…。，、।۔،)]+
Step deepseek3_word(Chars chars);

// 's 't 'm 'd 're 've 'll at the start: characters taken, or 0.
size_t contraction(Chars chars, bool any_case);
size_t cased_word(Chars chars, bool han_apart);
bool is_han(const Char& c);

// Number of characters from `begin` on for which `f` holds.
template <class F>
size_t run(Chars chars, size_t begin, F f) {
  size_t end = begin;
  while (end < chars.size() && f(chars[end])) ++end;
  return end - begin;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ where `chars` starts with a space: a run to its last line break, or all of it but the last
// one, which is left to the word that follows.
Step space_run(Chars chars);

template <WordRules rules>
Step word(Chars chars) {
  using enum WordRules::Contraction;
  const Char first = chars[0];
  if constexpr (rules.contraction == apart) {
    if (const size_t taken = contraction(chars, true)) return {taken};
  }
  if constexpr (rules.han_apart) {
    if (const size_t length = run(chars, 0, is_han)) return {length};
  }
  if constexpr (rules.cased) {
    if (size_t length = cased_word(chars, rules.han_apart)) {
      if (rules.contraction == suffix) length += contraction(chars.subspan(length), true);
      return {length};
    }
  } else {
    const auto in_word = [](const Char& c) { return c.letter() || (rules.marks && c.mark()); };
    if (in_word(first)) return {run(chars, 0, in_word)};
    const bool leads = !first.newline() && !first.number() && chars.size() > 1;
    if (leads && in_word(chars[1])) return {1 + run(chars, 1, in_word)};
  }
  if (first.number()) {
    return {run(chars.first(std::min(rules.digits, chars.size())), 0, [](const Char& c) { return c.number(); })};
  }
  const auto symbol = [](const Char& c) { return c.other() && !(rules.marks && c.mark()); };
  const size_t lead = first.value == ' ' && chars.size() > 1 ? 1 : 0;
  if (!symbol(chars[lead])) return space_run(chars);
  const size_t symbols = lead + run(chars, lead, symbol);
  return {symbols + run(chars, symbols, [](const Char& c) {
            return rules.symbols_take_newlines && (c.newline() || (rules.symbols_take_slashes && c.value == '/'));
          })};
}

}  // namespace bantam
