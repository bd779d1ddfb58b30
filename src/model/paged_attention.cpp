// Attention for inference: pages of keys and values, read span by span (kernels/attend.h). The work of all slices of a
// batch is cut into items that the threads take as they come free.
#include <array>
#include <cassert>
#include <cstdint>
#include <utility>

#include "model/attention.h"
#include "model/grain.h"

namespace bantam {
namespace {

constexpr int kNarrowRows = 8;        // slices of up to so many rows are cut by spans as well
constexpr int kStoredTogether = 256;  // elements of a row's key that one thread stores

int spans_of(int rows) { return (rows + kSpanTokens - 1) / kSpanTokens; }

// Where one slice's keys and values of a layer are. A slice without a cache gets pages for this layer only.
struct SlicePages {
  const KvCache* kv;
  KvLayout layout;
  std::byte* temporary;
  int first, rows;  // rows before the slice's own, and all of them

  std::byte* page(int l, int i) const { return temporary ? layout.page(temporary, i) : kv->page(l, i); }
};

// Query heads [head, head + heads) of rows [row, row + rows) of a slice, which share a key head, over its spans [span,
// span_end). Results of a narrow slice's spans are joined later.
struct Item {
  int slice, row, rows, head, heads, span, span_end;
  real* partial;  // of a narrow one: [rows, heads, state]; null: joined at once
  bool first;     // of the spans of its tile
  int64_t next;   // the item of the tile's next span; 0: none
};

class PagedAttention {
 public:
  PagedAttention(Run& run, const AttentionShape& shape, int l, const Batch& batch)
      : run_(run), shape_(shape), l_(l), batch_(batch), state_(static_cast<size_t>(shape.head_dim) + 2) {}

  void run(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& y) {
    const Run::Temporary temporary(run_);
    find_pages();
    put_rows(k, v);
    plan();
    const int64_t most_chunks = std::max(64, 8 * run_.pool().threads());
    const int64_t enough = work_ > 0 ? (items_count_ * (int64_t{1} << 17) + work_ - 1) / work_ : 1;
    const int64_t grain = std::max({int64_t{1}, (items_count_ + most_chunks - 1) / most_chunks, enough});
    const int64_t chunks = (items_count_ + grain - 1) / grain;
    const size_t per_chunk = 2 * kAttendQueries * state_;  // what is joined so far, and what is added
    real* scratch = run_.scratch<real>(per_chunk * static_cast<size_t>(chunks));
    run_.pool().parallel_for(items_count_, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        attend_item(items_[i], q, y, scratch + begin / grain * static_cast<int64_t>(per_chunk));
    });
    join_narrow(y);
  }

 private:
  void find_pages() {
    const size_t count = batch_.slices.size();
    pages_ = run_.scratch<SlicePages>(count);
    for (size_t i = 0; i < count; ++i) {
      const Slice& slice = batch_.slices[i];
      const KvCache& kv = *slice.kv;
      if (kv.capacity() > 0) {
        assert(shape_.causal);
        pages_[i] = {&kv, kv.layout(l_), nullptr, kv.size(), kv.size() + slice.count};
        continue;
      }
      const KvLayout layout{kRealType, shape_.kv_heads, shape_.head_dim};
      const size_t bytes = layout.bytes(KvPool::pages_for(slice.count));
      pages_[i] = {&kv, layout, run_.scratch<std::byte>(bytes), 0, slice.count};
    }
  }

  void put_rows(const Tensor& k, const Tensor& v) {
    int32_t* slice_of_row = run_.scratch<int32_t>(static_cast<size_t>(k.rows));
    for (size_t i = 0; i < batch_.slices.size(); ++i) {
      const Slice& slice = batch_.slices[i];
      std::fill_n(slice_of_row + slice.begin, slice.count, static_cast<int32_t>(i));
    }
    // All rows of some heads, then of the next: every element of a key goes to a line of its own that memory has to be
    // waited for, which is worth more than one thread even for one row.
    const int heads = std::max(1, kStoredTogether / shape_.head_dim);
    const int64_t parts = int64_t{k.rows} * ((shape_.kv_heads + heads - 1) / heads);
    run_.pool().parallel_for(parts, std::clamp(parts / 8, int64_t{1}, int64_t{16}), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const int first_head = static_cast<int>(part / k.rows) * heads;
        put_heads(k, v, static_cast<int>(part % k.rows), slice_of_row, first_head,
                  std::min(heads, shape_.kv_heads - first_head));
      }
    });
  }

  void put_heads(const Tensor& k, const Tensor& v, int r, const int32_t* slice_of_row, int head, int heads) const {
    const int32_t i = slice_of_row[r];
    const SlicePages& pages = pages_[i];
    const int row = pages.first + r - batch_.slices[static_cast<size_t>(i)].begin;
    assert(pages.temporary || pages.kv->pages()[static_cast<size_t>(row / kPageTokens)].references() == 1);
    std::byte* page = pages.page(l_, row / kPageTokens);
    const KvLayout some{pages.layout.format, heads, shape_.head_dim};
    const ptrdiff_t at = ptrdiff_t{head} * shape_.head_dim;
    some.put(page + (pages.layout.keys(page, head) - page), row % kPageTokens, k.row(r) + at, v.row(r) + at);
  }

  bool narrow(const Slice& slice, const SlicePages& pages) const {
    return slice.count <= kNarrowRows && spans_of(pages.rows) - shape_.first_visible(pages.first) / kSpanTokens > 1;
  }

  // Calls use(row, rows, head, heads) for tiles of at most kAttendQueries queries that share a key head.
  template <class Use>
  void for_each_tile(const Slice& slice, Use use) const {
    const int heads = std::min(shape_.group(), kAttendQueries), rows = kAttendQueries / heads;
    for (int t = 0; t < slice.count; t += rows) {
      for (int kv_head = 0; kv_head < shape_.kv_heads; ++kv_head) {
        const int end = (kv_head + 1) * shape_.group();
        for (int h = kv_head * shape_.group(); h < end; h += heads) {
          use(t, std::min(rows, slice.count - t), h, std::min(heads, end - h));
        }
      }
    }
  }

  void plan() {
    int64_t most = 0;
    size_t partials = 0;
    int most_tiles = 0;
    for (size_t i = 0; i < batch_.slices.size(); ++i) {
      const Slice& slice = batch_.slices[i];
      const bool cut = narrow(slice, pages_[i]);
      const int spans = spans_of(pages_[i].rows);
      int tiles = 0;
      for_each_tile(slice, [&](int, int, int, int) { ++tiles; });
      most += int64_t{tiles} * (cut ? spans : 1);
      most_tiles = std::max(most_tiles, tiles);
      if (cut) partials += static_cast<size_t>(slice.count) * static_cast<size_t>(shape_.heads * spans) * state_;
    }
    items_ = run_.scratch<Item>(static_cast<size_t>(most));
    partials_ = run_.scratch<real>(partials);
    auto* before = run_.scratch<int64_t>(static_cast<size_t>(most_tiles));
    real* partial = partials_;
    for (size_t i = 0; i < batch_.slices.size(); ++i) {
      if (narrow(batch_.slices[i], pages_[i])) {
        plan_spans(static_cast<int>(i), before, partial);
      } else {
        for_each_tile(batch_.slices[i], [&](int t, int rows, int h, int heads) {
          const auto [span, end] = spans_seen(pages_[i], t, rows);
          add_item({static_cast<int>(i), t, rows, h, heads, span, end, nullptr, true, 0});
        });
      }
    }
  }

  // The spans that rows [t, t + rows) of a slice see.
  std::pair<int, int> spans_seen(const SlicePages& pages, int t, int rows) const {
    return {shape_.first_visible(pages.first + t) / kSpanTokens,
            spans_of(shape_.end_visible(pages.first + t + rows - 1, pages.rows))};
  }

  void add_item(const Item& item) {
    work_ += int64_t{item.heads} * item.rows * (item.span_end - item.span) * kSpanTokens * shape_.head_dim;
    items_[items_count_++] = item;
  }

  // An item for each span of each tile of a narrow slice, in the order in which spans lie in memory: all heads of one,
  // then all of the next. before: [tiles].
  void plan_spans(int i, int64_t* before, real*& partial) {
    const SlicePages& pages = pages_[i];
    const int end_of_all = spans_of(pages.rows);
    for (int s = shape_.first_visible(pages.first) / kSpanTokens, first = s; s < end_of_all; ++s) {
      int tile = 0;
      for_each_tile(batch_.slices[static_cast<size_t>(i)], [&](int t, int rows, int h, int heads) {
        int64_t& last = before[tile++];
        if (s == first) last = -1;
        const auto [span, end] = spans_seen(pages, t, rows);
        if (s < span || s >= end) return;
        if (last >= 0) items_[last].next = items_count_;
        const bool is_first = std::exchange(last, items_count_) < 0;
        add_item({i, t, rows, h, heads, s, s + 1, partial, is_first, 0});
        partial += static_cast<size_t>(rows * heads) * state_;
      });
    }
  }

  // scratch: [2, kAttendQueries, state]
  void attend_item(const Item& item, const Tensor& q, const Tensor& y, real* scratch) const {
    const Slice& slice = batch_.slices[static_cast<size_t>(item.slice)];
    real *joined = item.partial ? item.partial : scratch, *added = scratch + kAttendQueries * state_;
    for (int span = item.span; span < item.span_end; ++span) {
      attend_span(item, span, q,
                  [&](int i, bool first) { return (first ? joined : added) + static_cast<size_t>(i) * state_; });
    }
    if (item.partial) return;
    for (int i = 0; i < item.rows * item.heads; ++i) {
      const int row = slice.begin + item.row + i / item.heads, head = item.head + i % item.heads;
      finish(joined + static_cast<size_t>(i) * state_, y.row(row) + head * shape_.head_dim);
    }
  }

  // First span that row t of the item's slice sees.
  int first_span(const Item& item, int t) const {
    return shape_.first_visible(pages_[item.slice].first + t) / kSpanTokens;
  }

  // Lets the item's queries look at one span. place(i, first): where query i's result goes, `first` when there is none
  // to join it with.
  template <class Place>
  void attend_span(const Item& item, int span, const Tensor& q, Place place) const {
    const SlicePages& pages = pages_[item.slice];
    const Slice& slice = batch_.slices[static_cast<size_t>(item.slice)];
    std::array<AttendQuery, kAttendQueries> queries;
    std::array<int, kAttendQueries> index;
    int count = 0;
    for (int i = 0; i < item.rows * item.heads; ++i) {
      const int t = item.row + i / item.heads, at = pages.first + t, from = span * kSpanTokens;
      const int begin = std::max(0, shape_.first_visible(at) - from);
      const int end = std::min(kSpanTokens, shape_.end_visible(at, pages.rows) - from);
      if (begin >= end) continue;
      const bool first = item.partial || span == first_span(item, t);
      index[static_cast<size_t>(count)] = first ? -1 : i;
      queries[static_cast<size_t>(count++)] = {q.row(slice.begin + t) + (item.head + i % item.heads) * shape_.head_dim,
                                               begin, end, place(i, first)};
    }
    std::array<const std::byte*, kSpanPages> keys{}, values{};
    const int head = item.head / shape_.group(), last = KvPool::pages_for(pages.rows);
    for (int p = 0; p < kSpanPages && span * kSpanPages + p < last; ++p) {
      const std::byte* page = pages.page(l_, span * kSpanPages + p);
      keys[static_cast<size_t>(p)] = pages.layout.keys(page, head);
      values[static_cast<size_t>(p)] = pages.layout.values(page, head);
    }
    run_.kernels().attend({.keys = keys.data(),
                           .values = values.data(),
                           .format = pages.layout.format,
                           .head_dim = shape_.head_dim,
                           .scale = shape_.scale,
                           .cap = shape_.cap,
                           .queries = queries.data(),
                           .count = count});
    for (int i = 0; i < count; ++i) {
      const int joined = index[static_cast<size_t>(i)];
      if (joined >= 0) {
        run_.kernels().attend_join(place(joined, true), queries[static_cast<size_t>(i)].partial, shape_.head_dim);
      }
    }
  }

  // Joins the spans of narrow slices.
  void join_narrow(const Tensor& y) const {
    run_.pool().parallel_for(items_count_, 32, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Item& item = items_[i];
        if (!item.partial || !item.first) continue;
        for (int query = 0; query < item.rows * item.heads; ++query) join_query(item, query, y);
      }
    });
  }

  void join_query(const Item& first_item, int query, const Tensor& y) const {
    const SlicePages& pages = pages_[first_item.slice];
    const int t = first_item.row + query / first_item.heads;
    const auto [first, last] = spans_seen(pages, t, 1);
    real* state = nullptr;
    for (const Item* item = &first_item;; item = &items_[item->next]) {
      if (item->span >= first && item->span < last) {
        real* partial = item->partial + static_cast<size_t>(query) * state_;
        if (state) run_.kernels().attend_join(state, partial, shape_.head_dim);
        if (!state) state = partial;
      }
      if (item->next == 0) break;
    }
    const Slice& slice = batch_.slices[static_cast<size_t>(first_item.slice)];
    finish(state, y.row(slice.begin + t) + (first_item.head + query % first_item.heads) * shape_.head_dim);
  }

  void finish(const real* state, real* y) const {
    const real inverse = 1 / state[1];
    for (int d = 0; d < shape_.head_dim; ++d) y[d] = state[2 + d] * inverse;
  }

  Run& run_;
  const AttentionShape& shape_;
  const int l_;
  const Batch& batch_;
  const size_t state_;  // reals of one query's result
  SlicePages* pages_ = nullptr;
  Item* items_ = nullptr;
  int64_t items_count_ = 0, work_ = 0;
  real* partials_ = nullptr;
};

}  // namespace

void attend_pages(Run& run, const AttentionShape& shape, int l, const Batch& batch, const Tensor& q, const Tensor& k,
                  const Tensor& v, const Tensor& y) {
  PagedAttention(run, shape, l, batch).run(q, k, v, y);
}

}  // namespace bantam
