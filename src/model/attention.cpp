// Attention for training, block by block through dense products; paged_attention.cpp has that for inference.
#include "model/attention.h"

#include <algorithm>
#include <cassert>

namespace bantam {
namespace {

constexpr int kBlockRows = 64;  // query rows per block in training: scores of a block stay in the L2 cache

// One head of one sequence, seen through strided views: row t of q at q + t * q_stride.
struct HeadViews {
  const real *q, *k, *v, *y;
  real *dq, *dk, *dv;
  const real* dy;
  real* log_sum;  // [T], stride `heads`
};

HeadViews head_views(const AttentionShape& s, const Slice& slice, int h, const Tensor& q, const Tensor& k,
                     const Tensor& v, const Tensor& y, real* log_sum) {
  const int at = h * s.head_dim, kv_at = h / s.group() * s.head_dim, b = slice.begin;
  return {q.row(b) + at,         k.row(b) + kv_at,   v.row(b) + kv_at,
          y.row(b) + at,         q.grad_row(b) + at, k.grad_row(b) + kv_at,
          v.grad_row(b) + kv_at, y.grad_row(b) + at, log_sum + static_cast<ptrdiff_t>(b) * s.heads + h};
}

// Query rows [t0, t1) of a sequence and the keys [j0, j1) that any of them may see.
struct Block {
  int t0, t1, j0, j1;

  Block(const AttentionShape& s, int first_row, int rows)
      : t0(first_row),
        t1(std::min(first_row + kBlockRows, rows)),
        j0(s.first_visible(t0)),
        j1(s.end_visible(t1 - 1, rows)) {}
};

// Capped scores of a block, into p[t1 - t0, j1 - j0].
void score_block(const Run& run, const AttentionShape& s, const HeadViews& head, const Block& block, real* p) {
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

void forward_head(const Run& run, const AttentionShape& s, int rows, const HeadViews& head, real* y, real* p) {
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
void backward_head(const Run& run, const AttentionShape& s, int rows, const HeadViews& head, real* p, real* dp) {
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

void attend_recording(Run& run, const AttentionShape& s, const std::vector<Slice>& slices, const Tensor& q,
                      const Tensor& k, const Tensor& v, const Tensor& y) {
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
  const AttentionShape s(config, l);
  if (run.recording()) {
    attend_recording(run, s, batch.slices, q, k, v, y);
  } else {
    attend_pages(run, s, l, batch, q, k, v, y);
  }
  return y;
}

}  // namespace bantam
