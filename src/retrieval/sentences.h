// Where sentences begin and end, in English, Korean, Chinese and Japanese: the unit that answers quote.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace bantam {

// Bytes [begin, end) of the text they were made from.
struct TextRange {
  size_t begin = 0, end = 0;
  size_t size() const { return end - begin; }
  bool operator==(const TextRange&) const = default;
};

// Sentences longer than this are cut: after a semicolon, a comma, a word, and at last between two characters.
constexpr size_t kMostSentenceBytes = 800;

// In order, apart, without white space at either end; every other character belongs to one. A sentence ends at a stop
// (with the quotes and brackets that close on it), not at the point of "Dr.", "U.S.", "No. 5" or "J. Smith", and at a
// line break unless the line was broken only to fit a width. Linear time, any bytes.
std::vector<TextRange> sentences(std::string_view text);

// Lines as the author meant them: those broken to fit a width are joined again. In order, without white space at either
// end but indentation; empty lines are left out.
std::vector<TextRange> logical_lines(std::string_view text);

}  // namespace bantam
