#include "model/kv_cache.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "base/error.h"

namespace bantam {
namespace {

// Bytes of one layer's keys of one row.
size_t row_bytes_of(const ModelConfig& c, int l, DType format) {
  if (format != kRealType && format != DType::f16 && format != DType::q8_0) {
    throw UsageError("keys and values cannot be stored as {}; use {}, f16 or q8_0", traits(format).name,
                     traits(kRealType).name);
  }
  if (c.head_dim % traits(format).block != 0) {
    throw UsageError("keys and values cannot be stored as {}: heads of {} values are not whole blocks of {}",
                     traits(format).name, c.head_dim, traits(format).block);
  }
  return row_bytes(format, c.kv_dim(l));
}

// Formats other than kRealType go through floats, some at a time.
constexpr int kPiece = 256;

void encode(DType format, const real* values, std::byte* out, int n) {
  if (format == kRealType) {
    std::memcpy(out, values, static_cast<size_t>(n) * sizeof(real));
    return;
  }
  std::array<float, kPiece> piece;
  for (int i = 0; i < n; i += kPiece) {
    const int count = std::min(kPiece, n - i);
    std::transform(values + i, values + i + count, piece.begin(), [](real v) { return static_cast<float>(v); });
    traits(format).encode(piece.data(), out + row_bytes(format, i), count);
  }
}

void decode_to(DType format, const std::byte* in, real* values, int n) {
  std::array<float, kPiece> piece;
  for (int i = 0; i < n; i += kPiece) {
    const int count = std::min(kPiece, n - i);
    traits(format).decode(in + row_bytes(format, i), piece.data(), count);
    std::copy_n(piece.begin(), count, values + i);
  }
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, int capacity, DType format) : capacity_(capacity), format_(format) {
  if (capacity == 0) return;
  for (int l = 0; l < config.layers(); ++l) {
    const size_t bytes = row_bytes_of(config, l, format);
    const size_t all = static_cast<size_t>(capacity) * bytes;
    layers_.push_back({config.kv_dim(l), bytes, std::vector<std::byte>(all), std::vector<std::byte>(all)});
  }
}

size_t KvCache::bytes_for(const ModelConfig& config, int capacity, DType format) {
  size_t per_row = 0;
  for (int l = 0; l < config.layers(); ++l) per_row += 2 * row_bytes_of(config, l, format);
  return per_row * static_cast<size_t>(capacity);
}

size_t KvCache::bytes() const {
  size_t total = 0;
  for (const Layer& layer : layers_) total += layer.keys.size() + layer.values.size();
  return total;
}

void KvCache::truncate(int size) {
  assert(size >= 0 && size <= size_);
  size_ = size;
}

void KvCache::put(int l, int row, const real* keys, const real* values) {
  Layer& layer = layers_[static_cast<size_t>(l)];
  const size_t at = static_cast<size_t>(row) * layer.row_bytes;
  encode(format_, keys, layer.keys.data() + at, layer.kv_dim);
  encode(format_, values, layer.values.data() + at, layer.kv_dim);
}

void KvCache::decode(int l, int row, real* keys, real* values) const {
  const Layer& layer = layers_[static_cast<size_t>(l)];
  const size_t at = static_cast<size_t>(row) * layer.row_bytes;
  decode_to(format_, layer.keys.data() + at, keys, layer.kv_dim);
  decode_to(format_, layer.values.data() + at, values, layer.kv_dim);
}

const real* KvCache::keys(int l) const {
  assert(format_ == kRealType);
  return reinterpret_cast<const real*>(layers_[static_cast<size_t>(l)].keys.data());
}

const real* KvCache::values(int l) const {
  assert(format_ == kRealType);
  return reinterpret_cast<const real*>(layers_[static_cast<size_t>(l)].values.data());
}

}  // namespace bantam
