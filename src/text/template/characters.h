// Strings by character, as Python counts them; a byte that is no UTF-8 is a character of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace bantam::jinja {

struct Character {
  char32_t value;  // U+FFFD for a byte that is no UTF-8
  uint32_t begin;  // offset in the text
  uint32_t bytes;
};

inline size_t character_bytes(std::string_view text, size_t begin) {
  const auto next = decode_utf8(text.substr(begin));
  return next ? static_cast<size_t>(next->bytes) : 1;
}

inline Character character_at(std::string_view text, size_t begin) {
  const auto next = decode_utf8(text.substr(begin));
  return {next ? next->value : U'\uFFFD', static_cast<uint32_t>(begin), next ? static_cast<uint32_t>(next->bytes) : 1u};
}

inline std::vector<Character> characters(std::string_view text) {
  std::vector<Character> all;
  for (size_t at = 0; at < text.size(); at += all.back().bytes) all.push_back(character_at(text, at));
  return all;
}

inline int64_t count_characters(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); at += character_bytes(text, at)) ++count;
  return count;
}

// str.isspace() of one character: White_Space, and the four ASCII separators.
bool is_python_space(char32_t c);
// [begin, end) of `text` without white space at its ends.
std::string_view without_space_around(std::string_view text, bool left = true, bool right = true);

}  // namespace bantam::jinja
