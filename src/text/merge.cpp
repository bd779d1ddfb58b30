#include "text/merge.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "base/page_buffer.h"

namespace bantam {
namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(size_t count) {
  const size_t slots = std::bit_ceil(std::max<size_t>(count + count / 2, 2));
  reserve_large(slots_, slots);
  slots_.resize(slots);
  shift_ = 64 - std::countr_zero(slots_.size());
}

size_t MergeTable::home(uint64_t key) const {
  key ^= key >> 32;
  return static_cast<size_t>(key * 0x9E3779B97F4A7C15ull >> shift_);
}

bool MergeTable::insert(int32_t left, int32_t right, Merge merge) {
  const uint64_t key = pair_key(left, right);
  size_t at = home(key);
  for (; slots_[at].key != kEmpty; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].key == key) return false;
  }
  slots_[at] = {key, merge};
  return true;
}

const Merge* MergeTable::find(int32_t left, int32_t right) const {
  const uint64_t key = pair_key(left, right);
  for (size_t at = home(key); slots_[at].key != kEmpty; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].key == key) return &slots_[at].merge;
  }
  return nullptr;
}

void Merger::offer(const std::vector<Symbol>& word, uint32_t left, uint32_t right) {
  if (const Merge* found = table_.find(word[left].id, word[right].id)) {
    queue_.push_back(static_cast<uint64_t>(found->rank) << 32 | left);
    std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
  }
}

void Merger::merge(std::vector<Symbol>& word) {
  const auto n = static_cast<uint32_t>(word.size());
  if (n < 2) return;
  previous_.resize(n);
  next_.resize(n);
  queue_.clear();
  for (uint32_t i = 0; i < n; ++i) {
    previous_[i] = i - 1;
    next_[i] = i + 1;
    const Merge* found = i + 1 < n ? table_.find(word[i].id, word[i + 1].id) : nullptr;
    if (found) queue_.push_back(static_cast<uint64_t>(found->rank) << 32 | i);
  }
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
  while (!queue_.empty()) {
    const uint64_t entry = queue_.front();
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    queue_.pop_back();
    const auto left = static_cast<uint32_t>(entry);
    const uint32_t right = next_[left];
    if (word[left].bytes == 0 || right == n) continue;
    const Merge* found = table_.find(word[left].id, word[right].id);
    if (!found || found->rank != entry >> 32) continue;

    word[left] = {found->id, word[left].bytes + word[right].bytes};
    word[right].bytes = 0;  // gone
    next_[left] = next_[right];
    if (next_[left] < n) {
      previous_[next_[left]] = left;
      offer(word, left, next_[left]);
    }
    if (left > 0) offer(word, previous_[left], left);
  }
  std::erase_if(word, [](const Symbol& symbol) { return symbol.bytes == 0; });
}

}  // namespace bantam
