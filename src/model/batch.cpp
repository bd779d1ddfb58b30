#include "model/batch.h"

#include <cassert>

#include "base/error.h"

namespace bantam {

void Batch::clear() {
  tokens.clear();
  positions.clear();
  types.clear();
  slices.clear();
  logit_rows.clear();
  state_rows.clear();
}

void Batch::append(KvCache& kv, std::span<const int32_t> new_tokens, Logits logits) {
  assert(!new_tokens.empty());
  const int begin = rows(), count = static_cast<int>(new_tokens.size());
  if (kv.capacity() > 0 && kv.size() + count > kv.capacity()) {
    throw UsageError("{} more tokens do not fit a context of {} that holds {}", count, kv.capacity(), kv.size());
  }
  if (kv.capacity() > 0 && !kv.reserve(kv.size() + count)) {
    throw UsageError("{} more tokens need more pages of keys and values than are free", count);
  }
  slices.push_back({&kv, begin, count});
  for (int i = 0; i < count; ++i) {
    tokens.push_back(new_tokens[static_cast<size_t>(i)]);
    positions.push_back(kv.size() + i);
    if (logits == Logits::all_rows || (logits == Logits::last_row && i + 1 == count)) logit_rows.push_back(begin + i);
  }
}

void Batch::append(KvCache& kv, std::span<const int32_t> new_tokens, std::span<const int32_t> new_types,
                   Logits logits) {
  assert(new_types.size() == new_tokens.size());
  append(kv, new_tokens, logits);
  types.insert(types.end(), new_types.begin(), new_types.end());
}

}  // namespace bantam
