// Which passages hold a term, as bytes: how a segment of the index is built, read and joined with the next. Pure: the
// blocks come from and go to index files through the caller.
//
// A segment covers passages [0, count) of its own numbering. Its terms are in blocks, in the order of their hashes:
//   block   := entry*                               about kBlockBytes, more if one term needs it
//   entry   := hash:u64le, passages:varint, last:varint, bytes:varint, posting*
//   posting := step:varint (the first: its passage), use:u8
// Compact, and joined by copying: only the first step of a term changes when a segment is appended to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

// How a passage uses a term, in one byte.
struct TermUse {
  static constexpr uint8_t kMostCount = 63;
  uint8_t count = 0;  // in the body, up to kMostCount
  bool in_title = false, in_heading = false;

  uint8_t packed() const { return static_cast<uint8_t>(count | (in_title ? 64 : 0) | (in_heading ? 128 : 0)); }
  static TermUse unpacked(uint8_t byte) {
    return {static_cast<uint8_t>(byte & kMostCount), (byte & 64) != 0, (byte & 128) != 0};
  }
};

// One term in one passage.
struct Posting {
  uint64_t term;
  uint32_t passage;
  uint8_t use;  // TermUse::packed()
};

constexpr size_t kBlockBytes = 8192;

// Collects entries into blocks.
class BlockWriter {
 public:
  // `sink` gets the hash a block begins with and its bytes.
  explicit BlockWriter(std::function<void(uint64_t, std::string_view)> sink) : sink_(std::move(sink)) {}

  // Terms must ascend.
  void add(uint64_t term, uint32_t passages, uint32_t last, std::string_view postings);
  void finish();

 private:
  std::function<void(uint64_t, std::string_view)> sink_;
  std::string block_;
  uint64_t first_ = 0;
};

// Sorts `postings`, which come by passage, by term and writes them.
void write_segment(std::vector<Posting>& postings, BlockWriter& out);

// A term's entry. `postings` lies in the block it was read from.
struct Entry {
  uint64_t term = 0;
  uint32_t passages = 0, last = 0;
  std::string_view postings;
};

// Reads the entry at the front of `block` and moves past it; nothing at the end. Throws FormatError when the bytes
// break the layout; `source` names the index in it.
std::optional<Entry> next_entry(std::string_view& block, std::string_view source);
std::optional<Entry> find_entry(std::string_view block, uint64_t term, std::string_view source);

// Calls f(passage, TermUse) for each posting. Throws FormatError when a passage is not below `count`.
template <class F>
void for_each_posting(const Entry& entry, uint32_t count, std::string_view source, F&& f);

// Appends a term's postings of consecutive segments to one list. Passages that `alive` denies are left out.
class EntryJoiner {
 public:
  // `first`: the number of the segment's first passage in the joined segment.
  void append(const Entry& entry, uint32_t first, std::string_view source, const std::function<bool(uint32_t)>* alive,
              uint32_t count);
  void clear();
  uint32_t passages() const { return passages_; }
  uint32_t last() const { return last_; }
  std::string_view postings() const { return postings_; }

 private:
  void add(uint32_t passage, uint8_t use);

  std::string postings_;
  uint32_t passages_ = 0, last_ = 0;
};

[[noreturn]] void fail_damaged(std::string_view source);

// The value of the varint at `at`, moved past it; nothing when the bytes end or the value is too large.
inline std::optional<uint32_t> read_varint(std::string_view bytes, size_t& at) {
  uint32_t value = 0;
  for (int shift = 0; shift < 35 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    if (shift == 28 && byte > 15) return std::nullopt;
    value |= static_cast<uint32_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

template <class F>
void for_each_posting(const Entry& entry, uint32_t count, std::string_view source, F&& f) {
  uint32_t passage = 0;
  for (size_t at = 0; at < entry.postings.size();) {
    const auto step = read_varint(entry.postings, at);
    if (!step || at >= entry.postings.size() || *step >= count - passage) fail_damaged(source);
    passage += *step;
    f(passage, TermUse::unpacked(static_cast<uint8_t>(entry.postings[at++])));
  }
}

}  // namespace bantam
