// What strings can do, shared by filters and methods. Every byte keeps its origin; all take linear time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/template/budget.h"
#include "text/template/text.h"
#include "text/template/value.h"

namespace bantam::jinja {

enum class LetterCase : uint8_t {
  upper,
  lower,
  swapped,
  capital,     // the first character large, the others small
  title,       // as str.title(): every letter after a character without case is large
  title_words  // as the filter: every first character of a word is large
};
Text with_case(Budget& budget, const Text& text, LetterCase letter_case);

struct Ends {
  bool left = true, right = true;
};
// Without white space, or without any of `characters`, at these ends.
Text stripped(Budget& budget, const Text& text, const Text* characters, Ends ends = {});

// `limit` < 0: all of them.
Text replaced(Budget& budget, const Text& text, const Text& old, const Text& by, int64_t limit = -1);

// At every `separator`; where it is null at white space, which then also goes from both ends.
std::vector<Value> split(Budget& budget, const Text& text, const Text* separator, int64_t limit = -1);
std::vector<Value> split_from_right(Budget& budget, const Text& text, const Text* separator, int64_t limit = -1);
std::vector<Value> split_lines(Budget& budget, const Text& text, bool keep_ends = false);

Text joined(Budget& budget, const std::vector<Value>& items, const Text& separator);

}  // namespace bantam::jinja
