#include "model/kv_cache.h"

#include <algorithm>
#include <cassert>

namespace bantam {

KvCache::KvCache(const ModelConfig& config, int capacity) : capacity_(capacity) {
  if (capacity == 0) return;
  for (int l = 0; l < config.layers(); ++l) {
    const size_t n = static_cast<size_t>(capacity) * static_cast<size_t>(config.kv_dim(l));
    keys_.emplace_back(n);
    values_.emplace_back(n);
  }
}

void KvCache::truncate(int size) {
  assert(size >= 0 && size <= size_);
  size_ = size;
}

size_t KvCache::bytes() const {
  size_t total = 0;
  for (const auto& rows : keys_) total += 2 * rows.size() * sizeof(real);
  return total;
}

}  // namespace bantam
