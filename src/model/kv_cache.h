// Keys and values of a sequence's past rows, per layer. Training starts from an empty one and never fills it.
#pragma once

#include <cstddef>
#include <vector>

#include "model/config.h"

namespace bantam {

class KvCache {
 public:
  // Room for `capacity` rows, each head's values stored as `format`: kRealType, or f16 or q8_0 for a half or about a
  // quarter of the memory, which attention decodes layer by layer. capacity 0 is a cache for training, where keys and
  // values live on the tape. Throws UsageError for another format, and for heads that are not whole blocks of it.
  KvCache(const ModelConfig& config, int capacity, DType format = kRealType);

  // What a cache would take; throws as the constructor does.
  static size_t bytes_for(const ModelConfig& config, int capacity, DType format);

  int size() const { return size_; }
  int capacity() const { return capacity_; }
  DType format() const { return format_; }
  size_t bytes() const;

  void advance(int rows) { size_ += rows; }
  // Forgets rows [size, ...): the prefix stays valid.
  void truncate(int size);

  // Stores one row of layer l, keys[kv_dim] and values[kv_dim]. Rows may be stored and decoded at the same time as
  // other rows.
  void put(int l, int row, const real* keys, const real* values);
  void decode(int l, int row, real* keys, real* values) const;

  // [capacity, kv_dim] of layer l in place; only of a cache in kRealType.
  const real* keys(int l) const;
  const real* values(int l) const;

 private:
  struct Layer {
    int kv_dim;
    size_t row_bytes;
    std::vector<std::byte> keys, values;
  };

  int capacity_, size_ = 0;
  DType format_;
  std::vector<Layer> layers_;
};

}  // namespace bantam
