#include "text/grammar/char_set.h"

#include <algorithm>

namespace bantam {
namespace {

constexpr char32_t kLast = 0x10FFFF, kBeforeSurrogates = 0xD7FF, kAfterSurrogates = 0xE000;

int encode(char32_t c, std::array<uint8_t, 4>& out) {
  if (c < 0x80) {
    out[0] = static_cast<uint8_t>(c);
    return 1;
  }
  const int size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = size - 1; i > 0; --i, c >>= 6) out[static_cast<size_t>(i)] = static_cast<uint8_t>(0x80 | (c & 0x3F));
  out[0] = static_cast<uint8_t>((0xF0 << (4 - size)) & 0xFF) | static_cast<uint8_t>(c);
  return size;
}

// Adds [first, last], both of one length in UTF-8, cut where continuation bytes do not run through their whole range.
void split(char32_t first, char32_t last, std::vector<ByteSequence>& out) {
  for (const int bits : {6, 12, 18}) {
    const char32_t mask = (char32_t{1} << bits) - 1;
    if ((first & ~mask) == (last & ~mask)) break;
    if ((first & mask) != 0) {
      split(first, first | mask, out);
      return split((first | mask) + 1, last, out);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, out);
      return split(last & ~mask, last, out);
    }
  }
  std::array<uint8_t, 4> low{}, high{};
  ByteSequence sequence{.size = static_cast<uint8_t>(encode(first, low))};
  encode(last, high);
  for (size_t i = 0; i < sequence.size; ++i) sequence.bytes[i] = {low[i], high[i]};
  out.push_back(sequence);
}

}  // namespace

CharSet::CharSet(std::vector<Range> ranges) {
  std::ranges::sort(ranges, {}, &Range::first);
  for (const Range& range : ranges) {
    for (Range part : {Range{range.first, std::min(range.last, kBeforeSurrogates)},
                       Range{std::max(range.first, kAfterSurrogates), std::min(range.last, kLast)}}) {
      if (part.first > part.last) continue;
      if (!ranges_.empty() && part.first <= ranges_.back().last + 1) {
        ranges_.back().last = std::max(ranges_.back().last, part.last);
      } else {
        ranges_.push_back(part);
      }
    }
  }
}

const CharSet& CharSet::all() {
  static const CharSet set({{0, kLast}});
  return set;
}

bool CharSet::contains(char32_t c) const {
  const auto after = std::ranges::upper_bound(ranges_, c, {}, &Range::first);
  return after != ranges_.begin() && std::prev(after)->last >= c;
}

CharSet CharSet::complement() const {
  std::vector<Range> out;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) out.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLast) out.push_back({next, kLast});
  return CharSet(std::move(out));
}

CharSet CharSet::operator|(const CharSet& other) const {
  std::vector<Range> both = ranges_;
  both.insert(both.end(), other.ranges_.begin(), other.ranges_.end());
  return CharSet(std::move(both));
}

CharSet CharSet::operator&(const CharSet& other) const {
  std::vector<Range> out;
  for (size_t i = 0, j = 0; i < ranges_.size() && j < other.ranges_.size();) {
    const Range &a = ranges_[i], &b = other.ranges_[j];
    if (std::max(a.first, b.first) <= std::min(a.last, b.last))
      out.push_back({std::max(a.first, b.first), std::min(a.last, b.last)});
    a.last < b.last ? ++i : ++j;
  }
  return CharSet(std::move(out));
}

std::vector<ByteSequence> utf8_sequences(const CharSet& set) {
  std::vector<ByteSequence> out;
  for (const CharSet::Range& range : set.ranges()) {
    char32_t first = range.first;
    for (const char32_t last_of_length : {char32_t{0x7F}, char32_t{0x7FF}, char32_t{0xFFFF}, kLast}) {
      if (first > last_of_length) continue;
      const char32_t last = std::min(range.last, last_of_length);
      split(first, last, out);
      if (last == range.last) break;
      first = last + 1;
    }
  }
  return out;
}

}  // namespace bantam
