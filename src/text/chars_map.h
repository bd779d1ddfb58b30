// The normaliser of SentencePiece as its models carry it ("precompiled_charsmap"): a table of byte strings and what
// each becomes, such as NFKC with some changes. Used by Tokenizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

class CharsMap {
 public:
  // Changes nothing but bytes that are not UTF-8, each to U+FFFD.
  CharsMap() = default;
  // The bytes of a model: u32 n, a trie of n bytes, then texts that each end in 0; little endian. The trie is a double
  // array of u32 (Darts-clone): bits 0-7 the byte that leads to the unit, 8 whether a text ends there, 9-31 the offset
  // of its children; a value has bit 31. Throws FormatError naming `source` when they do not fit together.
  CharsMap(std::string_view bytes, std::string_view source);

  bool empty() const { return units_.empty(); }

  // Left to right, the longest string of the table at each place becomes its text; the rest stays.
  std::string normalize(std::string_view text) const;

 private:
  struct Found {
    size_t bytes;
    std::string_view text;
  };
  std::optional<Found> longest(std::string_view text) const;

  std::vector<uint32_t> units_;
  std::string texts_;
};

}  // namespace bantam
