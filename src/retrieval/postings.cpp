#include "retrieval/postings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace bantam {
namespace {

void append_varint(std::string& out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Stable. Three passes over the upper 33 bits (terms are hashes, so these tell nearly all apart), then the rest.
void sort_by_term(std::vector<Posting>& postings) {
  constexpr int kDigitBits = 11;
  std::vector<Posting> other(postings.size());
  for (int shift = 64 - 3 * kDigitBits; shift < 64; shift += kDigitBits) {
    const auto digit = [&](const Posting& p) { return p.term >> shift & ((size_t{1} << kDigitBits) - 1); };
    std::array<size_t, size_t{1} << kDigitBits> place{};
    for (const Posting& p : postings) ++place[digit(p)];
    size_t begin = 0;
    for (size_t& count : place) begin += std::exchange(count, begin);
    for (const Posting& p : postings) other[place[digit(p)]++] = p;
    postings.swap(other);
  }
  const auto less = [](const Posting& a, const Posting& b) { return a.term < b.term; };
  for (size_t i = 1; i < postings.size(); ++i) {
    if (!less(postings[i], postings[i - 1])) continue;
    const auto at = postings.begin() + static_cast<ptrdiff_t>(i);
    std::rotate(std::upper_bound(postings.begin(), at, *at, less), at, at + 1);
  }
}

}  // namespace

void fail_damaged(std::string_view source) {
  throw FormatError("{}: the index is damaged; delete it and index again", source);
}

void BlockWriter::add(uint64_t term, uint32_t passages, uint32_t last, std::string_view postings) {
  if (!block_.empty() && block_.size() + postings.size() > kBlockBytes) finish();
  if (block_.empty()) first_ = term;
  for (int shift = 0; shift < 64; shift += 8) block_ += static_cast<char>(term >> shift & 0xFF);
  append_varint(block_, passages);
  append_varint(block_, last);
  append_varint(block_, static_cast<uint32_t>(postings.size()));
  block_ += postings;
}

void BlockWriter::finish() {
  if (!block_.empty()) sink_(first_, block_);
  block_.clear();
}

void write_segment(std::vector<Posting>& postings, BlockWriter& out) {
  sort_by_term(postings);
  std::string list;
  for (size_t i = 0; i < postings.size();) {
    const uint64_t term = postings[i].term;
    uint32_t last = 0, count = 0;
    list.clear();
    for (; i < postings.size() && postings[i].term == term; ++i, ++count) {
      append_varint(list, postings[i].passage - last);
      list += static_cast<char>(postings[i].use);
      last = postings[i].passage;
    }
    out.add(term, count, last, list);
  }
  out.finish();
}

std::optional<Entry> next_entry(std::string_view& block, std::string_view source) {
  if (block.empty()) return std::nullopt;
  Entry entry;
  if (block.size() < 8) fail_damaged(source);
  for (size_t i = 0; i < 8; ++i) entry.term |= uint64_t{static_cast<unsigned char>(block[i])} << (8 * i);
  size_t at = 8;
  const auto passages = read_varint(block, at), last = read_varint(block, at), bytes = read_varint(block, at);
  if (!passages || !last || !bytes || *bytes > block.size() - at) fail_damaged(source);
  entry.passages = *passages;
  entry.last = *last;
  entry.postings = block.substr(at, *bytes);
  block.remove_prefix(at + *bytes);
  return entry;
}

std::optional<Entry> find_entry(std::string_view block, uint64_t term, std::string_view source) {
  while (const auto entry = next_entry(block, source)) {
    if (entry->term == term) return entry;
    if (entry->term > term) break;
  }
  return std::nullopt;
}

void EntryJoiner::clear() {
  postings_.clear();
  passages_ = last_ = 0;
}

void EntryJoiner::add(uint32_t passage, uint8_t use) {
  append_varint(postings_, passage - last_);
  postings_ += static_cast<char>(use);
  last_ = passage;
  ++passages_;
}

void EntryJoiner::append(const Entry& entry, uint32_t first, std::string_view source,
                         const std::function<bool(uint32_t)>* alive, uint32_t count) {
  if (alive != nullptr) {
    for_each_posting(entry, count, source, [&](uint32_t passage, TermUse use) {
      if ((*alive)(passage)) add(first + passage, use.packed());
    });
    return;
  }
  size_t at = 0;
  const auto step = read_varint(entry.postings, at);
  if (!step || *step >= count || entry.last >= count) fail_damaged(source);
  append_varint(postings_, first + *step - last_);
  postings_ += entry.postings.substr(at);
  last_ = first + entry.last;
  passages_ += entry.passages;
}

}  // namespace bantam
