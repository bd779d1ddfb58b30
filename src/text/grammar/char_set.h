// Sets of characters, and their UTF-8 as sequences of byte ranges. What grammars are made of.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace bantam {

class CharSet {
 public:
  struct Range {
    char32_t first, last;  // both belong to it
    bool operator==(const Range&) const = default;
  };

  CharSet() = default;
  // In any order, overlapping or not. Surrogates, which UTF-8 cannot write, are left out.
  CharSet(std::initializer_list<Range> ranges) : CharSet(std::vector<Range>(ranges)) {}
  explicit CharSet(std::vector<Range> ranges);
  static CharSet of(char32_t c) { return CharSet({{c, c}}); }
  static const CharSet& all();

  bool empty() const { return ranges_.empty(); }
  bool contains(char32_t c) const;
  const std::vector<Range>& ranges() const { return ranges_; }  // ascending, never adjacent

  CharSet complement() const;
  CharSet operator|(const CharSet& other) const;
  CharSet operator&(const CharSet& other) const;
  CharSet operator-(const CharSet& other) const { return *this & other.complement(); }
  bool operator==(const CharSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

struct ByteRange {
  uint8_t first, last;
  auto operator<=>(const ByteRange&) const = default;
};

// One to four bytes, each in its range.
struct ByteSequence {
  uint8_t size = 0;
  std::array<ByteRange, 4> bytes{};
};

// Together they match the UTF-8 of exactly these characters; no two match the same bytes. (RFC 3629, section 4)
std::vector<ByteSequence> utf8_sequences(const CharSet& set);

}  // namespace bantam
