// Keys and values of sequences' past rows: pages of kPageTokens rows, taken from a pool and given back by handles.
// Training starts from an empty cache and never fills it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/page_buffer.h"
#include "kernels/attend.h"
#include "model/config.h"

namespace bantam {

class KvPool;

// One layer of pages, see kernels/attend.h. Pages lie by kSpanPages together: for each head their tiles of keys, then
// their tiles of values. So a span of a sequence whose pages follow each other is read from its first byte to its last,
// which memory gives two or three times as fast as tiles here and there.
struct KvLayout {
  DType format;
  int heads, head_dim;

  size_t tile_bytes() const { return row_bytes(format, head_dim) * kPageTokens; }
  size_t bytes(int pages) const {
    return static_cast<size_t>((pages + kSpanPages - 1) / kSpanPages * heads) * head_bytes();
  }
  // Where page `id` begins: its tile of the first head's keys, from which the others are reckoned.
  std::byte* page(std::byte* layer, int id) const {
    return layer + static_cast<size_t>(id / kSpanPages * heads) * head_bytes() +
           static_cast<size_t>(id % kSpanPages) * tile_bytes();
  }
  const std::byte* keys(const std::byte* page, int head) const {
    return page + static_cast<size_t>(head) * head_bytes();
  }
  const std::byte* values(const std::byte* page, int head) const { return keys(page, head) + head_bytes() / 2; }
  // Stores row `row` of the page, keys[heads * head_dim] and values the same. Rows may be stored at the same time.
  void put(std::byte* page, int row, const real* keys, const real* values) const;

 private:
  size_t head_bytes() const { return 2 * kSpanPages * tile_bytes(); }
};

// A counted reference to a page; the page is free again when the last one goes.
class KvPage {
 public:
  KvPage() = default;
  KvPage(const KvPage& other);
  KvPage(KvPage&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), id_(other.id_) {}
  KvPage& operator=(KvPage other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~KvPage();

  explicit operator bool() const { return pool_ != nullptr; }
  int id() const { return id_; }
  // How many references there are, this one included.
  int references() const;

 private:
  friend class KvPool;
  KvPage(KvPool* pool, int id) : pool_(pool), id_(id) {}

  KvPool* pool_ = nullptr;
  int id_ = 0;
};

// Not for several threads at once, but for writing and reading rows. Must outlive its pages.
class KvPool {
 public:
  // Each head's rows are stored as `format`: kRealType, or f16 or q8_0 for a half or about a quarter of the memory. All
  // memory is taken here. Throws UsageError for another format, and for heads that are not whole blocks of it.
  KvPool(const ModelConfig& config, int pages, DType format = kRealType);
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  static int pages_for(int rows) { return (rows + kPageTokens - 1) / kPageTokens; }
  // What room for `rows` rows would take; throws as the constructor does.
  static size_t bytes_for(const ModelConfig& config, int rows, DType format);

  DType format() const { return format_; }
  int pages() const { return static_cast<int>(references_.size()); }
  int free_pages() const { return static_cast<int>(free_.size()); }
  size_t bytes() const { return memory_.size(); }

  // A page of undefined content, if possible the one that follows page `after` in memory; nothing when none is free.
  std::optional<KvPage> take(int after = -1);

  const KvLayout& layout(int l) const { return layers_[static_cast<size_t>(l)]; }
  std::byte* page(int l, int id) const { return layout(l).page(memory_.data() + offsets_[static_cast<size_t>(l)], id); }

  // True when every page is either free, once, or referenced.
  bool check_integrity() const;

 private:
  friend class KvPage;

  DType format_;
  std::vector<KvLayout> layers_;
  std::vector<size_t> offsets_;  // of each layer
  PageBuffer memory_;
  void give_back(int id);

  std::vector<int> references_;  // [pages]
  std::vector<int> free_;        // the last one is taken next
  std::vector<int> place_;       // [pages], of a free one in free_
};

// The past of one sequence. Pages of its pool may be shared with others as long as nobody writes their rows again.
class KvCache {
 public:
  // At most `capacity` rows, in pages that are taken as rows come.
  KvCache(KvPool& pool, int capacity);
  // The same with a pool of its own. capacity 0 is a cache for training, where keys and values live on the tape, and
  // for slices that are read at once. Throws as KvPool.
  KvCache(const ModelConfig& config, int capacity, DType format = kRealType);
  KvCache(KvCache&&) = default;
  ~KvCache() { drop_pages(0); }

  int size() const { return size_; }
  int capacity() const { return capacity_; }

  // Takes pages for `rows` rows in all; false when the pool has too few, and those it had are kept.
  bool reserve(int rows);
  // Rows were stored in every layer.
  void advance(int rows) { size_ += rows; }
  // Forgets rows [size, ...) and gives back the pages that held only them.
  void truncate(int size);

  // Begins an empty sequence with full pages that others have filled.
  void adopt(std::vector<KvPage> pages);
  // Puts a page with the same rows in the place of page i.
  void replace(int i, KvPage page);
  const std::vector<KvPage>& pages() const { return pages_; }

  const KvLayout& layout(int l) const { return pool_->layout(l); }
  std::byte* page(int l, int i) const { return pool_->page(l, pages_[static_cast<size_t>(i)].id()); }

 private:
  void drop_pages(size_t kept);

  std::unique_ptr<KvPool> own_;
  KvPool* pool_ = nullptr;  // null when capacity is 0
  int capacity_ = 0, size_ = 0;
  std::vector<KvPage> pages_;
};

}  // namespace bantam
