// Hangul syllables, U+AC00 to U+D7A3: whether a text is Korean, and what its particles depend on.
#pragma once

#include <string_view>

#include "base/utf8.h"

namespace bantam {

inline constexpr bool is_hangul(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

// Syllables come in groups of 28: without a final consonant, then with each.
inline constexpr bool has_final_consonant(char32_t syllable) { return (syllable - 0xAC00) % 28 != 0; }

inline bool begins_with_hangul(std::string_view text) {
  const auto c = decode_utf8(text);
  return c && is_hangul(c->value);
}

inline bool contains_hangul(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (begins_with_hangul(text.substr(at))) return true;
  }
  return false;
}

}  // namespace bantam
