// Attention in its two shapes: row by row over a cache for inference, block by block through dense products for
// training.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "model/grain.h"
#include "model/ops.h"

namespace bantam {
namespace {

constexpr int kBlockRows = 64;  // query rows per block in training: scores of a block stay in the L2 cache

struct Shape {
  int heads, kv_heads, head_dim, window;
  real scale, cap;
  bool causal;

  int q_dim() const { return heads * head_dim; }
  int kv_dim() const { return kv_heads * head_dim; }
  int group() const { return heads / kv_heads; }
  // First row that row `t` of a sequence may see.
  int first_visible(int t) const { return window > 0 ? std::max(0, t + 1 - window) : 0; }
  // One past the last row that row `t` of a sequence of `rows` may see.
  int end_visible(int t, int rows) const { return causal ? t + 1 : rows; }
};

Shape shape_of(const ModelConfig& c, int l) {
  const LayerConfig& layer = c.layer[static_cast<size_t>(l)];
  const real scale = c.attn_scale != 0 ? static_cast<real>(c.attn_scale) : 1 / std::sqrt(static_cast<real>(c.head_dim));
  return {layer.heads, layer.kv_heads, c.head_dim, layer.window, scale, c.attn_cap, c.causal};
}

// Rows that attention reads: row j of the sequence at keys + (j - first) * kv_dim.
struct PastRows {
  const real* keys;
  const real* values;
  int first;
};

// Puts the slice's own rows into its cache and returns all that its rows may see, decoded where they need be.
PastRows past_rows(Run& run, const Shape& s, const Slice& slice, int l, const Tensor& k, const Tensor& v) {
  KvCache& kv = *slice.kv;
  if (kv.capacity() == 0) return {k.row(slice.begin), v.row(slice.begin), kv.size()};
  const int64_t grain = rows_per_chunk(s.kv_dim());
  run.pool().parallel_for(slice.count, grain, [&](int64_t begin, int64_t end) {
    for (auto t = static_cast<int>(begin); t < end; ++t)
      kv.put(l, kv.size() + t, k.row(slice.begin + t), v.row(slice.begin + t));
  });
  if (kv.format() == kRealType) return {kv.keys(l), kv.values(l), 0};
  const int first = s.first_visible(kv.size()), rows = kv.size() + slice.count - first;
  const auto values = static_cast<size_t>(rows) * static_cast<size_t>(s.kv_dim());
  real* keys = run.scratch<real>(values);
  real* decoded_values = run.scratch<real>(values);
  run.pool().parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      kv.decode(l, first + static_cast<int>(r), keys + r * s.kv_dim(), decoded_values + r * s.kv_dim());
  });
  return {keys, decoded_values, first};
}

void attend_cached(Run& run, const Shape& s, const Slice& slice, int l, const Tensor& q, const Tensor& k,
                   const Tensor& v, const Tensor& y) {
  const int first = slice.kv->size(), kv_dim = s.kv_dim();
  assert(s.causal || slice.kv->capacity() == 0);
  const Run::Temporary temporary(run);
  const PastRows past = past_rows(run, s, slice, l, k, v);
  const int64_t items = int64_t{slice.count} * s.heads, grain = std::max<int64_t>(1, (items + 63) / 64);
  const int64_t most_rows = first + slice.count, chunks = (items + grain - 1) / grain;
  real* scores = run.scratch<real>(static_cast<size_t>(chunks * most_rows));
  run.pool().parallel_for(items, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int t = static_cast<int>(item / s.heads), h = static_cast<int>(item % s.heads);
      const int from = s.first_visible(first + t);
      const ptrdiff_t at = static_cast<ptrdiff_t>(from - past.first) * kv_dim + h / s.group() * s.head_dim;
      run.kernels().attend({.q = q.row(slice.begin + t) + h * s.head_dim,
                            .k = past.keys + at,
                            .v = past.values + at,
                            .kv_stride = static_cast<size_t>(kv_dim),
                            .count = s.end_visible(first + t, first + slice.count) - from,
                            .head_dim = s.head_dim,
                            .scale = s.scale,
                            .cap = s.cap,
                            .scores = scores + begin / grain * most_rows,
                            .y = y.row(slice.begin + t) + h * s.head_dim});
    }
  });
}

// One head of one sequence, seen through strided views: row t of q at q + t * q_stride.
struct HeadViews {
  const real *q, *k, *v, *y;
  real *dq, *dk, *dv;
  const real* dy;
  real* log_sum;  // [T], stride `heads`
};

HeadViews head_views(const Shape& s, const Slice& slice, int h, const Tensor& q, const Tensor& k, const Tensor& v,
                     const Tensor& y, real* log_sum) {
  const int at = h * s.head_dim, kv_at = h / s.group() * s.head_dim, b = slice.begin;
  return {q.row(b) + at,         k.row(b) + kv_at,   v.row(b) + kv_at,
          y.row(b) + at,         q.grad_row(b) + at, k.grad_row(b) + kv_at,
          v.grad_row(b) + kv_at, y.grad_row(b) + at, log_sum + static_cast<ptrdiff_t>(b) * s.heads + h};
}

// Query rows [t0, t1) of a sequence and the keys [j0, j1) that any of them may see.
struct Block {
  int t0, t1, j0, j1;

  Block(const Shape& s, int first_row, int rows)
      : t0(first_row),
        t1(std::min(first_row + kBlockRows, rows)),
        j0(s.first_visible(t0)),
        j1(s.end_visible(t1 - 1, rows)) {}
};

// Capped scores of a block, into p[t1 - t0, j1 - j0].
void score_block(const Run& run, const Shape& s, const HeadViews& head, const Block& block, real* p) {
  const auto [t0, t1, j0, j1] = block;
  const int n = j1 - j0;
  gemm(run.compute().precision, {.transpose_b = true,
                                 .m = t1 - t0,
                                 .n = n,
                                 .k = s.head_dim,
                                 .alpha = s.scale,
                                 .a = head.q + static_cast<ptrdiff_t>(t0) * s.q_dim(),
                                 .lda = s.q_dim(),
                                 .b = head.k + static_cast<ptrdiff_t>(j0) * s.kv_dim(),
                                 .ldb = s.kv_dim(),
                                 .c = p,
                                 .ldc = n});
  if (s.cap != 0) run.kernels().soft_cap(p, s.cap, p, static_cast<size_t>(t1 - t0) * static_cast<size_t>(n));
}

void forward_head(const Run& run, const Shape& s, int rows, const HeadViews& head, real* y, real* p) {
  for (int t0 = 0; t0 < rows; t0 += kBlockRows) {
    const Block block(s, t0, rows);
    const int t1 = block.t1, j0 = block.j0, n = block.j1 - j0;
    score_block(run, s, head, block, p);
    for (int t = t0; t < t1; ++t) {
      real* row = p + static_cast<ptrdiff_t>(t - t0) * n;
      const int from = s.first_visible(t) - j0, to = s.end_visible(t, rows) - j0;
      std::fill(row, row + from, real{0});
      head.log_sum[static_cast<ptrdiff_t>(t) * s.heads] = run.kernels().softmax(row + from, to - from);
      std::fill(row + to, row + n, real{0});
    }
    gemm(run.compute().precision, {.m = t1 - t0,
                                   .n = s.head_dim,
                                   .k = n,
                                   .a = p,
                                   .lda = n,
                                   .b = head.v + static_cast<ptrdiff_t>(j0) * s.kv_dim(),
                                   .ldb = s.kv_dim(),
                                   .c = y + static_cast<ptrdiff_t>(t0) * s.q_dim(),
                                   .ldc = s.q_dim()});
  }
}

// Scores are computed again rather than kept: memory stays linear in the length (arXiv 2205.14135, sec. 3.1).
void backward_head(const Run& run, const Shape& s, int rows, const HeadViews& head, real* p, real* dp) {
  const GemmPrecision precision = run.compute().precision;
  for (int t0 = 0; t0 < rows; t0 += kBlockRows) {
    const Block block(s, t0, rows);
    const int t1 = block.t1, j0 = block.j0, n = block.j1 - j0, m = t1 - t0;
    const ptrdiff_t q_at = static_cast<ptrdiff_t>(t0) * s.q_dim(), kv_at = static_cast<ptrdiff_t>(j0) * s.kv_dim();
    score_block(run, s, head, block, p);
    gemm(precision, {.transpose_b = true,
                     .m = m,
                     .n = n,
                     .k = s.head_dim,
                     .a = head.dy + q_at,
                     .lda = s.q_dim(),
                     .b = head.v + kv_at,
                     .ldb = s.kv_dim(),
                     .c = dp,
                     .ldc = n});
    for (int t = t0; t < t1; ++t) {
      real* row = p + static_cast<ptrdiff_t>(t - t0) * n;
      real* drow = dp + static_cast<ptrdiff_t>(t - t0) * n;
      const int from = s.first_visible(t) - j0, to = s.end_visible(t, rows) - j0;
      const ptrdiff_t at = static_cast<ptrdiff_t>(t) * s.q_dim();
      const real mean = run.kernels().dot(head.dy + at, head.y + at, s.head_dim);  // = sum_j p dp
      for (int j = from; j < to; ++j) {
        const real through_cap = s.cap != 0 ? 1 - row[j] / s.cap * (row[j] / s.cap) : real{1};
        drow[j] = (drow[j] - mean) * through_cap * s.scale;
      }
      std::fill(row, row + from, real{0});
      run.kernels().exp_shifted(row + from, head.log_sum[static_cast<ptrdiff_t>(t) * s.heads],
                                static_cast<size_t>(to - from));
      std::fill(row + to, row + n, real{0});
    }
    gemm(precision, {.transpose_a = true,
                     .m = n,
                     .n = s.head_dim,
                     .k = m,
                     .a = p,
                     .lda = n,
                     .b = head.dy + q_at,
                     .ldb = s.q_dim(),
                     .beta = 1,
                     .c = head.dv + kv_at,
                     .ldc = s.kv_dim()});
    // Rows outside the mask have p = 0, so this also clears their scores' gradients.
    for (ptrdiff_t i = 0; i < static_cast<ptrdiff_t>(m) * n; ++i) dp[i] *= p[i];
    gemm(precision, {.m = m,
                     .n = s.head_dim,
                     .k = n,
                     .a = dp,
                     .lda = n,
                     .b = head.k + kv_at,
                     .ldb = s.kv_dim(),
                     .beta = 1,
                     .c = head.dq + q_at,
                     .ldc = s.q_dim()});
    gemm(precision, {.transpose_a = true,
                     .m = n,
                     .n = s.head_dim,
                     .k = m,
                     .a = dp,
                     .lda = n,
                     .b = head.q + q_at,
                     .ldb = s.q_dim(),
                     .beta = 1,
                     .c = head.dk + kv_at,
                     .ldc = s.kv_dim()});
  }
}

// Scores of one block of queries need this many values per slice.
size_t block_scores(const Slice& slice) { return static_cast<size_t>(kBlockRows) * static_cast<size_t>(slice.count); }

void attend_recording(Run& run, const Shape& s, const std::vector<Slice>& slices, const Tensor& q, const Tensor& k,
                      const Tensor& v, const Tensor& y) {
  real* log_sum = run.scratch<real>(static_cast<size_t>(q.rows) * static_cast<size_t>(s.heads));
  size_t most_scores = 0;
  for (const Slice& slice : slices) {
    assert(slice.kv->size() == 0);  // training is prefill with an empty cache
    most_scores = std::max(most_scores, block_scores(slice));
  }
  // Work is split by (slice, kv head): query heads of a group add to the same keys' gradients.
  const auto for_each_group = [=, &run](int scratch_blocks, auto&& body) {
    const Run::Temporary temporary(run);
    const int64_t items = static_cast<int64_t>(slices.size()) * s.kv_heads, most_chunks = 8 * run.pool().threads();
    const int64_t grain = (items + most_chunks - 1) / most_chunks, chunks = (items + grain - 1) / grain;
    const size_t per_chunk = most_scores * static_cast<size_t>(scratch_blocks);
    real* scratch = run.scratch<real>(per_chunk * static_cast<size_t>(chunks));
    run.pool().parallel_for(items, grain, [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        const Slice& slice = slices[static_cast<size_t>(item / s.kv_heads)];
        const int kv_head = static_cast<int>(item % s.kv_heads);
        for (int h = kv_head * s.group(); h < (kv_head + 1) * s.group(); ++h) {
          body(slice, h, scratch + static_cast<size_t>(begin / grain) * per_chunk);
        }
      }
    });
  };
  for_each_group(1, [&](const Slice& slice, int h, real* scratch) {
    const HeadViews head = head_views(s, slice, h, q, k, v, y, log_sum);
    forward_head(run, s, slice.count, head, y.row(slice.begin) + h * s.head_dim, scratch);
  });
  run.on_backward([=, &run] {
    for_each_group(2, [&](const Slice& slice, int h, real* scratch) {
      const HeadViews head = head_views(s, slice, h, q, k, v, y, log_sum);
      backward_head(run, s, slice.count, head, scratch, scratch + most_scores);
    });
  });
}

}  // namespace

Tensor attend(Run& run, const ModelConfig& config, int l, const Batch& batch, const Tensor& q, const Tensor& k,
              const Tensor& v) {
  const Tensor y = run.make(q.rows, q.cols);
  const Shape s = shape_of(config, l);
  if (run.recording()) {
    attend_recording(run, s, batch.slices, q, k, v, y);
  } else {
    for (const Slice& slice : batch.slices) attend_cached(run, s, slice, l, q, k, v, y);
  }
  return y;
}

}  // namespace bantam
