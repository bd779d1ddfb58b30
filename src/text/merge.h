// The merge step shared by byte-level BPE and SentencePiece: which neighbours may join, and joining them in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bantam {

// What two neighbouring symbols become. A lower rank joins first; equal ranks join from left to right.
struct Merge {
  uint32_t rank;
  int32_t id;
};

// Pair of symbol ids -> Merge, built once when a vocabulary is loaded. Ids are not negative.
class MergeTable {
 public:
  // Room for `count` merges.
  explicit MergeTable(size_t count = 0);

  // False when the pair is there already; the first merge stays.
  bool insert(int32_t left, int32_t right, Merge merge);
  // nullptr when the two do not join; negative ids never do.
  const Merge* find(int32_t left, int32_t right) const;

  // Calls f(left, right, merge) for every merge, in no particular order.
  template <class F>
  void for_each(F&& f) const {
    for (const Slot& slot : slots_) {
      if (slot.key != kEmpty) f(static_cast<int32_t>(slot.key >> 32), static_cast<int32_t>(slot.key), slot.merge);
    }
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge{};
  };

  size_t home(uint64_t key) const;

  std::vector<Slot> slots_;  // open addressing, at most two thirds full; the size is a power of two
  int shift_ = 63;
};

// A piece of a word: its id (negative when the vocabulary has none) and how many bytes of the word it covers.
struct Symbol {
  int32_t id;
  uint32_t bytes;
};

// Joins the symbols of one word until no two neighbours join: O(n log n). Keeps its buffers between words.
class Merger {
 public:
  explicit Merger(const MergeTable& table) : table_(table) {}

  // In place; the byte counts add up to what they were. At most 2^32 - 1 symbols.
  void merge(std::vector<Symbol>& word);

 private:
  void offer(const std::vector<Symbol>& word, uint32_t left, uint32_t right);

  const MergeTable& table_;
  std::vector<uint32_t> previous_, next_;
  std::vector<uint64_t> queue_;  // heap of rank << 32 | left; entries go stale and are checked when taken
};

}  // namespace bantam
