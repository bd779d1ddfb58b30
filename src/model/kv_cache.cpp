#include "model/kv_cache.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "base/error.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

KvLayout layout_of(const ModelConfig& c, int l, DType format) {
  if (format != kRealType && format != DType::f16 && format != DType::q8_0) {
    throw UsageError("keys and values cannot be stored as {}; use {}, f16 or q8_0", traits(format).name,
                     traits(kRealType).name);
  }
  if (c.head_dim % traits(format).block != 0) {
    throw UsageError("keys and values cannot be stored as {}: heads of {} values are not whole blocks of {}",
                     traits(format).name, c.head_dim, traits(format).block);
  }
  return {format, c.layer[static_cast<size_t>(l)].kv_heads, c.head_dim};
}

// Formats other than kRealType go through floats, some at a time.
constexpr int kPiece = 32;

// Calls use(first, count, encoded) for pieces of whole blocks that cover values[n].
template <class Use>
void encode_pieces(DType format, const real* values, int n, Use use) {
  std::array<float, kPiece> piece;
  std::array<std::byte, kPiece * sizeof(float)> encoded;
  for (int i = 0; i < n; i += kPiece) {
    const int count = std::min(kPiece, n - i);
    std::transform(values + i, values + i + count, piece.begin(), [](real v) { return static_cast<float>(v); });
    traits(format).encode(piece.data(), encoded.data(), count);
    use(i, count, encoded.data());
  }
}

// Element i of a row goes to column[i * kPageTokens].
template <class T>
void put_turned(const T* values, T* column, int n) {
  for (int i = 0; i < n; ++i) column[ptrdiff_t{i} * kPageTokens] = values[i];
}

void put_key(DType format, const real* values, std::byte* tile, int row, int n) {
  if (format == kRealType) return put_turned(values, reinterpret_cast<real*>(tile) + row, n);
  encode_pieces(format, values, n, [&](int first, int count, const std::byte* encoded) {
    const ptrdiff_t at = ptrdiff_t{first} * kPageTokens + row;
    if (format == DType::f16) {
      return put_turned(reinterpret_cast<const uint16_t*>(encoded), reinterpret_cast<uint16_t*>(tile) + at, count);
    }
    static_assert(kPiece == BlockQ8_0::kValues);
    BlockQ8_0 block;
    std::memcpy(&block, encoded, sizeof block);
    put_turned(block.q, reinterpret_cast<int8_t*>(tile) + at, count);
    auto* scales = reinterpret_cast<uint16_t*>(tile + ptrdiff_t{n} * kPageTokens);
    scales[ptrdiff_t{first / BlockQ8_0::kValues} * kPageTokens + row] = block.scale;
  });
}

void put_value(DType format, const real* values, std::byte* row, int n) {
  if (format == kRealType) {
    std::memcpy(row, values, static_cast<size_t>(n) * sizeof(real));
    return;
  }
  encode_pieces(format, values, n, [&](int first, int count, const std::byte* encoded) {
    std::memcpy(row + row_bytes(format, first), encoded, row_bytes(format, count));
  });
}

}  // namespace

void KvLayout::put(std::byte* page, int row, const real* keys, const real* values) const {
  const size_t bytes = row_bytes(format, head_dim);
  for (int h = 0; h < heads; ++h, page += head_bytes(), keys += head_dim, values += head_dim) {
    put_key(format, keys, page, row, head_dim);
    put_value(format, values, page + head_bytes() / 2 + static_cast<size_t>(row) * bytes, head_dim);
  }
}

KvPage::KvPage(const KvPage& other) : pool_(other.pool_), id_(other.id_) {
  if (pool_) ++pool_->references_[static_cast<size_t>(id_)];
}

KvPage::~KvPage() {
  if (pool_ && --pool_->references_[static_cast<size_t>(id_)] == 0) pool_->give_back(id_);
}

int KvPage::references() const { return pool_->references_[static_cast<size_t>(id_)]; }

KvPool::KvPool(const ModelConfig& config, int pages, DType format)
    : format_(format), references_(static_cast<size_t>(pages)), place_(static_cast<size_t>(pages)) {
  size_t total = 0;
  for (int l = 0; l < config.layers(); ++l) {
    layers_.push_back(layout_of(config, l, format));
    offsets_.push_back(total);
    total += layers_.back().bytes(pages);
  }
  memory_ = PageBuffer(total);
  free_.reserve(static_cast<size_t>(pages));
  for (int id = pages; id > 0; --id) give_back(id - 1);
}

size_t KvPool::bytes_for(const ModelConfig& config, int rows, DType format) {
  size_t total = 0;
  for (int l = 0; l < config.layers(); ++l) total += layout_of(config, l, format).bytes(pages_for(rows));
  return total;
}

void KvPool::give_back(int id) {
  place_[static_cast<size_t>(id)] = static_cast<int>(free_.size());
  free_.push_back(id);
}

std::optional<KvPage> KvPool::take(int after) {
  if (free_.empty()) return std::nullopt;
  const int next = after + 1;
  const bool is_free = after >= 0 && next < pages() && references_[static_cast<size_t>(next)] == 0;
  const int id = is_free ? next : free_.back();
  const int place = place_[static_cast<size_t>(id)], last = free_.back();
  free_[static_cast<size_t>(place)] = last;
  place_[static_cast<size_t>(last)] = place;
  free_.pop_back();
  references_[static_cast<size_t>(id)] = 1;
  return KvPage(this, id);
}

bool KvPool::check_integrity() const {
  std::vector<bool> is_free(references_.size());
  for (const int id : free_) {
    if (id < 0 || id >= pages() || is_free[static_cast<size_t>(id)]) return false;
    is_free[static_cast<size_t>(id)] = true;
  }
  for (size_t id = 0; id < references_.size(); ++id) {
    if (references_[id] < 0 || (references_[id] == 0) != is_free[id]) return false;
  }
  return true;
}

KvCache::KvCache(KvPool& pool, int capacity) : pool_(&pool), capacity_(capacity) {
  pages_.reserve(static_cast<size_t>(KvPool::pages_for(capacity)));
}

KvCache::KvCache(const ModelConfig& config, int capacity, DType format) : capacity_(capacity) {
  if (capacity == 0) return;
  own_ = std::make_unique<KvPool>(config, KvPool::pages_for(capacity), format);
  pool_ = own_.get();
  pages_.reserve(static_cast<size_t>(KvPool::pages_for(capacity)));
}

bool KvCache::reserve(int rows) {
  assert(rows <= capacity_);
  while (static_cast<int>(pages_.size()) < KvPool::pages_for(rows)) {
    std::optional<KvPage> page = pool_->take(pages_.empty() ? -1 : pages_.back().id());
    if (!page) return false;
    pages_.push_back(std::move(*page));
  }
  return true;
}

void KvCache::truncate(int size) {
  assert(size >= 0 && size <= size_);
  size_ = size;
  drop_pages(static_cast<size_t>(KvPool::pages_for(size)));
}

// The last ones first, so that the first of them is the next to be taken.
void KvCache::drop_pages(size_t kept) {
  while (pages_.size() > kept) pages_.pop_back();
}

void KvCache::adopt(std::vector<KvPage> pages) {
  assert(size_ == 0);
  size_ = static_cast<int>(pages.size()) * kPageTokens;
  drop_pages(0);
  std::move(pages.begin(), pages.end(), std::back_inserter(pages_));
}

void KvCache::replace(int i, KvPage page) { pages_[static_cast<size_t>(i)] = std::move(page); }

}  // namespace bantam
