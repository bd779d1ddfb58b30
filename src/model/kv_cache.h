// Keys and values of a sequence's past rows, per layer. Training starts from an empty one and never fills it.
#pragma once

#include <vector>

#include "model/config.h"

namespace bantam {

class KvCache {
 public:
  // Room for `capacity` rows. capacity 0 is a cache for training, where keys and values live on the tape.
  KvCache(const ModelConfig& config, int capacity);

  int size() const { return size_; }
  int capacity() const { return capacity_; }
  void advance(int rows) { size_ += rows; }
  // Forgets rows [size, ...): the prefix stays valid.
  void truncate(int size);

  // [capacity, kv_dim] of layer l.
  real* keys(int l) { return keys_[static_cast<size_t>(l)].data(); }
  real* values(int l) { return values_[static_cast<size_t>(l)].data(); }
  size_t bytes() const;

 private:
  int capacity_, size_ = 0;
  std::vector<std::vector<real>> keys_, values_;
};

}  // namespace bantam
